//! What most steps have none of. A cluster holds very many steps, and it takes no room while there is nothing in it.

use std::collections::BTreeMap;
use std::ops::{Deref, DerefMut};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A collection that is empty most of the time; written as the collection is.
#[derive(Debug, Clone)]
pub struct Rare<T>(Option<Box<T>>);

/// A collection, and one with nothing in it.
pub trait Collection: Default + 'static {
    /// With nothing in it.
    const EMPTY: &'static Self;

    /// Whether nothing is in it.
    fn is_empty(&self) -> bool;
}

impl<T: 'static> Collection for Vec<T> {
    const EMPTY: &'static Self = &Vec::new();

    fn is_empty(&self) -> bool {
        self.is_empty()
    }
}

impl<K: 'static, V: 'static> Collection for BTreeMap<K, V> {
    const EMPTY: &'static Self = &BTreeMap::new();

    fn is_empty(&self) -> bool {
        self.is_empty()
    }
}

impl<T> Default for Rare<T> {
    fn default() -> Self {
        Rare(None)
    }
}

impl<T: Collection> From<T> for Rare<T> {
    fn from(whole: T) -> Self {
        Rare((!whole.is_empty()).then(|| Box::new(whole)))
    }
}

impl<T: Collection> Deref for Rare<T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.0.as_deref().unwrap_or(T::EMPTY)
    }
}

impl<T: Collection> DerefMut for Rare<T> {
    fn deref_mut(&mut self) -> &mut T {
        self.0.get_or_insert_default()
    }
}

impl<T: Collection + PartialEq> PartialEq for Rare<T> {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl<T: Collection + Eq> Eq for Rare<T> {}

impl<T: Collection + Serialize> Serialize for Rare<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (**self).serialize(serializer)
    }
}

impl<'de, T: Collection + Deserialize<'de>> Deserialize<'de> for Rare<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::deserialize(deserializer).map(Rare::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_takes_no_room_and_is_the_same_as_what_was_emptied() {
        let mut names: Rare<Vec<String>> = Rare::default();
        assert_eq!(size_of_val(&names), size_of::<usize>());
        names.push("one".into());
        assert_eq!(names.len(), 1);
        names.clear();
        assert_eq!(names, Rare::from(Vec::new()));
        assert!(Rare::from(Vec::<String>::new()).0.is_none());
    }
}
