//! What a look-up of an effect found, asked by the attempt that may have caused it.

/// What a look-up found. A service that keeps no index of what was asked for cannot always tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lookup<T> {
    /// There is this.
    Found(T),
    /// There is nothing, and asking for it makes it: at most once, also when it is asked for again.
    Nothing,
    /// It cannot be told whether there is anything, for this reason: a person has to look.
    Unknown(String),
}

impl<T> Lookup<T> {
    /// Returns what was found, if anything was.
    #[must_use]
    pub fn found(self) -> Option<T> {
        match self {
            Self::Found(found) => Some(found),
            Self::Nothing | Self::Unknown(_) => None,
        }
    }
}

impl<T> From<Option<T>> for Lookup<T> {
    fn from(found: Option<T>) -> Self {
        found.map_or(Self::Nothing, Self::Found)
    }
}
