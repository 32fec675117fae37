//! The name that was probably meant.

/// The candidate that is nearest to a name, when one is near enough to be a slip of the hand. Case, dashes and
/// underscores do not count, so that `max_backoff` finds `maxBackoff`.
pub(crate) fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = plain(name);
    // Beyond this length a name is no slip but another text, and the comparison is quadratic.
    if wanted.len() > 100 {
        return None;
    }
    // One letter is near to every other letter, which tells nobody anything.
    let slips = wanted.len() / 4 + usize::from(wanted.len() > 1);
    let mut best: Option<(usize, &str)> = None;
    for candidate in candidates {
        let most = best.map_or(slips, |(distance, _)| distance.saturating_sub(1));
        if let Some(distance) = distance(&wanted, &plain(candidate), most) {
            best = Some((distance, candidate));
            if distance == 0 {
                break;
            }
        }
    }
    best.map(|(_, candidate)| candidate)
}

/// What introduces words of which one is to be written.
pub(crate) const ONE_OF: &str = "write one of";

/// `did you mean …?`, or what there is instead when it is little enough to be listed: `listed` introduces the list.
pub(crate) fn suggestion<'a>(
    name: &str,
    listed: &str,
    candidates: impl Iterator<Item = &'a str> + Clone,
) -> String {
    if let Some(near) = nearest(name, candidates.clone()) {
        return format!("did you mean `{near}`?");
    }
    let few: Vec<_> = candidates.take(31).map(|candidate| format!("`{candidate}`")).collect();
    match few.len() {
        0 => "there is none to choose from".to_owned(),
        1 if listed == ONE_OF => format!("write {}", few[0]),
        31 => "correct the name; no other is near it".to_owned(),
        _ => format!("{listed} {}", few.join(", ")),
    }
}

fn plain(name: &str) -> Vec<u8> {
    name.bytes().filter(|byte| !matches!(byte, b'-' | b'_')).map(|byte| byte.to_ascii_lowercase()).collect()
}

/// Letters to add, drop or change, when that is at most `most`.
fn distance(left: &[u8], right: &[u8], most: usize) -> Option<usize> {
    if left.len().abs_diff(right.len()) > most {
        return None;
    }
    let same = left.iter().zip(right).take_while(|(a, b)| a == b).count();
    let (left, right) = (&left[same..], &right[same..]);
    let same = left.iter().rev().zip(right.iter().rev()).take_while(|(a, b)| a == b).count();
    let (left, right) = (&left[..left.len() - same], &right[..right.len() - same]);
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, a) in left.iter().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, b) in right.iter().enumerate() {
            let changed = diagonal + usize::from(a != b);
            diagonal = row[j + 1];
            row[j + 1] = changed.min(diagonal + 1).min(row[j] + 1);
        }
        if row.iter().min().is_some_and(|least| *least > most) {
            return None;
        }
    }
    row.last().copied().filter(|distance| *distance <= most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_found_and_strangers_are_not() {
        let keys = ["needs", "region", "command", "maxBackoff", "timeout"];
        for (slip, meant) in [
            ("need", "needs"),
            ("Needs", "needs"),
            ("max_backoff", "maxBackoff"),
            ("comand", "command"),
            ("tiemout", "timeout"),
            ("regoin", "region"),
        ] {
            assert_eq!(nearest(slip, keys), Some(meant));
        }
        assert_eq!(nearest("colour", keys), None);
        assert_eq!(nearest("", keys), None);
        assert_eq!(nearest(&"x".repeat(100_000), keys), None);
    }

    #[test]
    fn without_a_near_one_a_short_list_is_given() {
        assert_eq!(suggestion("colour", "there is", ["a", "b"].into_iter()), "there is `a`, `b`");
        assert_eq!(suggestion("colour", "", [].into_iter()), "there is none to choose from");
        assert_eq!(suggestion("aa", "", ["ab"].into_iter()), "did you mean `ab`?");
    }
}
