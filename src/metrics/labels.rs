//! Values of labels that users choose, of which there are never more than so many.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

/// The value that stands for all that have none of their own.
pub(super) const OTHER: &str = "other";
/// Most bytes of a value.
const LENGTH: usize = 63;

/// The values that a label has taken.
#[derive(Debug)]
pub(super) struct Bounded {
    most: usize,
    taken: Mutex<HashSet<String>>,
}

impl Bounded {
    pub(super) fn new(most: usize) -> Self {
        Self { most, taken: Mutex::default() }
    }

    /// Returns a value as it stands in the label: itself while there is room and it looks like a name.
    pub(super) fn of<'a>(&self, value: &'a str) -> &'a str {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"/_-.".contains(&byte);
        if value.is_empty() || value.len() > LENGTH || !value.bytes().all(allowed) {
            return OTHER;
        }
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if taken.contains(value) {
            return value;
        }
        if taken.len() >= self.most {
            return OTHER;
        }
        taken.insert(value.to_owned());
        value
    }
}
