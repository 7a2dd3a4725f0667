//! How the parts of a controller learn that they are to end.

use futures::future::{BoxFuture, Shared};

/// Done when the process is to stop.
pub(super) type Stop = Shared<BoxFuture<'static, ()>>;
