//! Changes of databases and tables: each at most once for its author, also after a crash at any point.
//!
//! Around every effect stands a [`Record`]: what is intended is kept for good before the effect, what was done
//! after it. Every effect can be made again when a part of it was made. One change is made at a time per root:
//! the client sees to it that these calls follow one another. A run that ends without its change leaves
//! `<run uid>.fenced.json`, which a late process meets.

mod apply;
mod check;
mod effect;
mod effects;
mod locations;
mod lock;
mod record;
mod room;

pub use apply::{apply, fence, find};
pub use effect::FileEffects;
pub use effects::Effects;
pub use lock::ChangeLock;
pub use record::{Doomed, Record};
pub use room::check_room;
