//! Progress of runs on standard error: bars on a terminal, plain lines otherwise.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::printer::{Printer, visible_on_one_line};
use crate::api::v1alpha1::{OperatorRun, OperatorRunStatus, Phase, Progress};

/// A plain line about the same phase of work comes at most this often.
const QUIET_FOR: Duration = Duration::from_secs(5);

/// Most characters of a run's name beside a bar, so that there is room for how far it is.
const MOST_OF_A_NAME: usize = 24;

/// Shows how far runs are.
pub(crate) struct ProgressView {
    printer: Printer,
    form: Form,
}

enum Form {
    Hidden,
    Bars { all: MultiProgress, bars: Mutex<HashMap<String, ProgressBar>> },
    Lines(Mutex<HashMap<String, Shown>>),
}

/// The last line that was written about a run.
struct Shown {
    step: String,
    line: String,
    at: Instant,
}

impl ProgressView {
    /// Makes a view: nothing when `quiet`, bars when standard error is a terminal, lines otherwise.
    #[must_use]
    pub(crate) fn new(printer: Printer, quiet: bool) -> Self {
        let form = match (quiet, printer.style().terminal_error) {
            (true, _) => Form::Hidden,
            (false, true) => Form::Bars {
                all: MultiProgress::with_draw_target(ProgressDrawTarget::stderr()),
                bars: Mutex::default(),
            },
            (false, false) => Form::Lines(Mutex::default()),
        };
        Self { printer, form }
    }

    /// Returns whether runs are shown as bars that move.
    #[must_use]
    pub(crate) fn has_bars(&self) -> bool {
        matches!(self.form, Form::Bars { .. })
    }

    /// Shows how far a run is.
    pub(crate) fn show(&self, run: &OperatorRun) {
        let name = run.metadata.name.clone().unwrap_or_default();
        let Some(status) = &run.status else { return };
        match &self.form {
            Form::Hidden => {}
            Form::Bars { all, bars } => draw(all, bars, &name, status),
            // The end of a run is printed by its report.
            Form::Lines(_) if status.phase.is_terminal() => {}
            Form::Lines(shown) => self.write(shown, &name, status),
        }
    }

    /// Writes a message that is not overdrawn by bars.
    pub(crate) fn note(&self, text: &str) {
        match &self.form {
            Form::Bars { all, .. } => all.suspend(|| self.printer.note(text)),
            Form::Hidden | Form::Lines(_) => self.printer.note(text),
        }
    }

    /// Takes every bar away.
    pub(crate) fn finish(&self) {
        if let Form::Bars { all, bars } = &self.form {
            let mut bars = bars.lock().unwrap_or_else(PoisonError::into_inner);
            bars.drain().for_each(|(_, bar)| bar.finish_and_clear());
            drop(all.clear());
        }
    }

    fn write(&self, shown: &Mutex<HashMap<String, Shown>>, name: &str, status: &OperatorRunStatus) {
        let (step, line) = (step_of(status), line_of(name, status));
        let mut shown = shown.lock().unwrap_or_else(PoisonError::into_inner);
        let is_due = shown.get(name).is_none_or(|last| {
            last.step != step || (last.line != line && last.at.elapsed() >= QUIET_FOR)
        });
        if is_due {
            self.printer.note(&line);
            shown.insert(name.to_owned(), Shown { step, line, at: Instant::now() });
        }
    }
}

fn draw(
    all: &MultiProgress,
    bars: &Mutex<HashMap<String, ProgressBar>>,
    name: &str,
    status: &OperatorRunStatus,
) {
    let mut bars = bars.lock().unwrap_or_else(PoisonError::into_inner);
    let bar = bars.entry(name.to_owned()).or_insert_with(|| {
        let bar = all.add(ProgressBar::new_spinner());
        bar.enable_steady_tick(Duration::from_millis(120));
        bar
    });
    match status.progress.as_ref().filter(|_| status.phase == Phase::Running) {
        Some(Progress { total: Some(total), done, .. }) => {
            bar.set_style(style("{spinner} [{bar:20}] {percent:>3}% {wide_msg}"));
            bar.set_length(*total);
            bar.set_position(*done);
        }
        _ => bar.set_style(style("{spinner} {wide_msg}")),
    }
    bar.set_message(format!("{} {}", beginning(name), words_of(status)));
    if status.phase.is_terminal() {
        bar.finish_and_clear();
        bars.remove(name);
    }
}

/// Returns a run's name, or as much of it as there is room for.
fn beginning(name: &str) -> String {
    if name.chars().count() <= MOST_OF_A_NAME {
        return name.to_owned();
    }
    name.chars().take(MOST_OF_A_NAME - 1).chain(['…']).collect()
}

/// Makes a style. Only what stands at `wide_msg` is cut to the width of the terminal.
fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template)
        .unwrap_or_else(|_| ProgressStyle::default_spinner())
        .progress_chars("━╸ ")
}

/// Returns what a run does, without numbers: a line is written whenever this changes.
fn step_of(status: &OperatorRunStatus) -> String {
    let working = status.progress.as_ref().map_or("", |progress| progress.phase.as_str());
    format!(
        "{} {} {} {working}",
        status.phase.as_str(),
        status.columns.reason,
        status.attempts.len()
    )
}

/// Returns one line on how far a run is: `x: scanning 12/40 files, 31.5 files/s, 9s left`.
fn line_of(name: &str, status: &OperatorRunStatus) -> String {
    format!("{name}: {}", words_of(status))
}

fn words_of(status: &OperatorRunStatus) -> String {
    let attempt = match status.attempts.len() {
        0 | 1 => String::new(),
        several => format!(" (attempt {several})"),
    };
    if let Some(progress) = status.progress.as_ref().filter(|_| status.phase == Phase::Running) {
        return format!("{}{attempt}", progress_text(progress));
    }
    let reason = status.columns.reason.as_str();
    let phase = status.phase.as_str();
    let is_told = reason.is_empty() || reason == phase;
    let text = if is_told { phase.to_owned() } else { format!("{phase} ({reason})") };
    format!("{text}{attempt}")
}

/// Returns progress with rate and remaining time: `scanning 12/40 files, 31.5 files/s, 9s left`.
fn progress_text(progress: &Progress) -> String {
    let unit = visible_on_one_line(&progress.unit);
    let count = |number: u64| match unit.as_str() {
        "bytes" => indicatif::BinaryBytes(number).to_string(),
        _ => format!("{}", indicatif::HumanCount(number)),
    };
    let mut text = format!("{} {}", visible_on_one_line(&progress.phase), count(progress.done));
    if let Some(total) = progress.total {
        text.extend(["/", count(total).as_str()]);
    }
    if unit != "bytes" {
        let is_one = progress.total.unwrap_or(progress.done) == 1;
        let noun = unit.strip_suffix('s').filter(|_| is_one).unwrap_or(&unit);
        text.extend([" ", noun]);
    }
    if let Some(rate) = progress.rate_per_second.filter(|rate| rate.is_finite() && *rate > 0.0) {
        let speed = match unit.as_str() {
            "bytes" => format!(", {:.1} MiB/s", rate / 1_048_576.0),
            _ if rate >= 100.0 => format!(", {rate:.0} {unit}/s"),
            _ => format!(", {rate:.1} {unit}/s"),
        };
        text.push_str(&speed);
    }
    if let Some(seconds) = progress.eta_seconds {
        let left = match seconds {
            0..120 => format!(", {seconds}s left"),
            _ => format!(", {}m left", seconds / 60),
        };
        text.push_str(&left);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_tells_rate_and_remaining_time() {
        let mut progress = Progress {
            phase: "scanning".to_owned(),
            done: 1_200,
            total: Some(40_000),
            unit: "files".to_owned(),
            rate_per_second: Some(31.52),
            eta_seconds: Some(9),
        };
        assert_eq!(progress_text(&progress), "scanning 1,200/40,000 files, 31.5 files/s, 9s left");
        progress.unit = "bytes".to_owned();
        progress.rate_per_second = Some(2_097_152.0);
        progress.eta_seconds = Some(600);
        assert_eq!(progress_text(&progress), "scanning 1.17 KiB/39.06 KiB, 2.0 MiB/s, 10m left");
        progress.total = None;
        progress.rate_per_second = None;
        progress.eta_seconds = None;
        assert_eq!(progress_text(&progress), "scanning 1.17 KiB");
    }

    #[test]
    fn one_file_is_one_file() {
        let text = |done, total| {
            progress_text(&Progress {
                phase: "scanning".to_owned(),
                done,
                total,
                unit: "files".to_owned(),
                rate_per_second: Some(2.0),
                eta_seconds: None,
            })
        };
        assert_eq!(text(1, None), "scanning 1 file, 2.0 files/s");
        assert_eq!(text(0, Some(1)), "scanning 0/1 file, 2.0 files/s");
        assert_eq!(text(1, Some(2)), "scanning 1/2 files, 2.0 files/s");
    }

    #[test]
    fn a_run_without_progress_tells_its_phase_and_reason() {
        let mut status = OperatorRunStatus { phase: Phase::Running, ..Default::default() };
        status.columns.reason = "Launching".to_owned();
        assert_eq!(line_of("x", &status), "x: Running (Launching)");
        status.columns.reason = "Running".to_owned();
        assert_eq!(line_of("x", &status), "x: Running");
    }
}
