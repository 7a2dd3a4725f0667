//! What is logged, how, and where spans go.

use tracing_subscriber::filter::LevelFilter;

/// What is logged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Logging {
    /// Nothing.
    Off,
    /// Everything of Mason from a level on.
    Level(LevelFilter),
    /// What a filter says, in tracing's notation: `mason=debug,datafusion=info`.
    Filter(String),
}

impl Logging {
    /// Returns what an unattended process logs: at least level `INFO`.
    #[must_use]
    pub fn or_info(&self) -> Self {
        match self {
            Self::Off => Self::Level(LevelFilter::INFO),
            chosen => chosen.clone(),
        }
    }
}

/// How a line of a log is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object on each line, for programs.
    Json,
}

/// What an unattended process logs and exports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Telemetry {
    /// What is logged.
    pub logging: Logging,
    /// How.
    pub format: LogFormat,
    /// Whether text may be coloured.
    pub colour: bool,
    /// The collector that spans are exported to, `http://collector:4318`.
    pub traces: Option<String>,
}
