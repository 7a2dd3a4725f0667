//! What operators ask of their engines, and what they refuse, shown with engines in memory.

mod definitions;
mod fakes;
mod pruned;
mod reading;
mod unread;
mod writing;
