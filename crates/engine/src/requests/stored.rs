//! How receipts are written: a map by id, and the ids in the order in which they came. They are written as they are gone
//! through: a copy in another shape would be as large as they are.

use std::collections::{BTreeMap, VecDeque};

use serde::ser::{SerializeMap, SerializeSeq, SerializeStruct};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Receipt, Requests, Row};

#[derive(Deserialize)]
struct Stored {
    receipts: BTreeMap<String, Receipt>,
    order: VecDeque<(u64, String)>,
}

impl Serialize for Requests {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut whole = serializer.serialize_struct("Stored", 2)?;
        whole.serialize_field("receipts", &ById(self))?;
        whole.serialize_field("order", &InOrder(self))?;
        whole.end()
    }
}

struct ById<'a>(&'a Requests);

impl Serialize for ById<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut rows: Vec<&Row> = self.0.parts.iter().flat_map(|part| part.iter()).collect();
        rows.sort_unstable_by_key(|row| row.id());
        let mut map = serializer.serialize_map(Some(rows.len()))?;
        for row in rows {
            map.serialize_entry(row.id(), &row.receipt())?;
        }
        map.end()
    }
}

struct InOrder<'a>(&'a Requests);

impl Serialize for InOrder<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut order = serializer.serialize_seq(Some(self.0.length))?;
        for row in self.0.in_order() {
            order.serialize_element(&(row.at_ms, row.id()))?;
        }
        order.end()
    }
}

impl<'de> Deserialize<'de> for Requests {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Stored { mut receipts, order } = Stored::deserialize(deserializer)?;
        let mut requests = Requests::default();
        for (at_ms, id) in order {
            if let Some(receipt) = receipts.remove(&id) {
                requests.put(Row::new(at_ms, &id, receipt));
            }
        }
        Ok(requests)
    }
}
