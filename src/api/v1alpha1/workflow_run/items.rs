//! How the items of a step with `forEach` stand: counts, and only the runs that work; never the items themselves.

use std::borrow::Cow;

use kube::KubeSchema;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// How the items of a step stand.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[x_kube(validation = Rule::new("self.total == oldSelf.total && self.launched >= oldSelf.launched").message("no item that was begun is forgotten"))]
#[serde(rename_all = "camelCase")]
pub struct ItemsStatus {
    /// How many items there are.
    #[schemars(range(min = 0, max = 1000))]
    pub total: u32,
    /// How many are begun, from the first on.
    #[schemars(range(min = 0, max = 1000))]
    pub launched: u32,
    /// What became of those that are begun, in order: `S` succeeded, `F` failed, `C` cancelled, `K` skipped, `.` at work.
    /// A number says how often a letter is repeated, `S12F.2`.
    #[serde(default)]
    pub outcomes: ItemOutcomes,
    /// The runs of items at work, which may begin since they stand here.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 50))]
    pub open: Vec<OpenItem>,
    /// Whether a result holds less than there was.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub truncated: bool,
}

/// The run of an item at work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct OpenItem {
    /// The item's place in the list, from 0.
    #[schemars(range(min = 0, max = 999))]
    pub index: u32,
    /// The name of its `OperatorRun`.
    #[schemars(length(max = 253))]
    pub name: String,
    /// Its uid.
    #[schemars(length(max = 64))]
    pub uid: String,
}

/// What became of an item that is begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ItemOutcome {
    /// Its run is at work.
    Open,
    /// Its run succeeded.
    Succeeded,
    /// Its run failed, or could not be made.
    Failed,
    /// Its run was cancelled.
    Cancelled,
    /// Its condition is false.
    Skipped,
}

impl ItemOutcome {
    const ALL: [(Self, char); 5] = [
        (Self::Open, '.'),
        (Self::Succeeded, 'S'),
        (Self::Failed, 'F'),
        (Self::Cancelled, 'C'),
        (Self::Skipped, 'K'),
    ];

    fn letter(self) -> char {
        Self::ALL.iter().find(|(one, _)| *one == self).map_or('.', |(_, letter)| *letter)
    }

    fn of_letter(letter: char) -> Option<Self> {
        Self::ALL.iter().find(|(_, one)| *one == letter).map(|(outcome, _)| *outcome)
    }
}

/// What became of items, in order; as a text `S12F.2`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ItemOutcomes(pub Vec<ItemOutcome>);

/// A text is not what became of items.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not what became of items, such as `S12F.2`")]
pub struct ItemOutcomesError(String);

/// Most items of a step.
pub const MOST_ITEMS: usize = 1_000;

impl TryFrom<String> for ItemOutcomes {
    type Error = ItemOutcomesError;

    fn try_from(text: String) -> Result<Self, ItemOutcomesError> {
        let wrong = || ItemOutcomesError(text.chars().take(40).collect());
        let mut outcomes = Vec::new();
        let mut rest = text.chars().peekable();
        while let Some(letter) = rest.next() {
            let outcome = ItemOutcome::of_letter(letter).ok_or_else(wrong)?;
            let mut digits = String::new();
            while let Some(digit) = rest.next_if(char::is_ascii_digit) {
                digits.push(digit);
            }
            let count: usize =
                if digits.is_empty() { 1 } else { digits.parse().map_err(|_| wrong())? };
            if outcomes.len().saturating_add(count) > MOST_ITEMS {
                return Err(wrong());
            }
            outcomes.extend(std::iter::repeat_n(outcome, count));
        }
        Ok(Self(outcomes))
    }
}

impl From<ItemOutcomes> for String {
    fn from(outcomes: ItemOutcomes) -> Self {
        let chunks = outcomes.0.chunk_by(|one, next| one == next);
        chunks
            .map(|chunk| match (chunk[0].letter(), chunk.len()) {
                (letter, 1) => letter.to_string(),
                (letter, count) => format!("{letter}{count}"),
            })
            .collect()
    }
}

impl JsonSchema for ItemOutcomes {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "ItemOutcomes".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "maxLength": MOST_ITEMS})
    }
}

impl ItemsStatus {
    /// Returns how many items have such an outcome.
    #[must_use]
    pub fn count(&self, outcome: ItemOutcome) -> usize {
        self.outcomes.0.iter().filter(|one| **one == outcome).count()
    }

    /// Returns how many items are settled.
    #[must_use]
    pub fn settled(&self) -> usize {
        self.outcomes.0.len().saturating_sub(self.count(ItemOutcome::Open))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_became_of_items_is_a_short_text() {
        let mut outcomes = vec![ItemOutcome::Succeeded; 12];
        outcomes.extend([ItemOutcome::Failed, ItemOutcome::Open, ItemOutcome::Open]);
        assert_eq!(String::from(ItemOutcomes(outcomes)), "S12F.2");
        for wrong in ["X", "2S", "S1001", "S999S2", "S99999999999999999999"] {
            assert!(ItemOutcomes::try_from(wrong.to_owned()).is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn the_text_is_read_as_it_was_written(letters in "[.SFCK]{0,1000}") {
            let outcomes = ItemOutcomes::try_from(letters.clone()).expect("should be read");
            prop_assert_eq!(outcomes.0.len(), letters.len());
            let text = String::from(outcomes.clone());
            prop_assert!(text.len() <= letters.len());
            prop_assert_eq!(ItemOutcomes::try_from(text), Ok(outcomes));
        }
    }
}
