//! The other end: what stands before the command of a container operator, in its pod.
//!
//! Gives the command its parameters, passes signals on, and at the end writes how it ended, with the
//! attempt's token, where the kubelet reads it. Knows no API server and needs no rights.

use std::ffi::OsString;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{ExitCode, ExitStatus};

use serde_json::{Map, Value};
use tokio::process::{Child, Command};
use tokio::signal::unix::{SignalKind, signal};

use super::proof::{Ending, EndingProblem, RESULT_BYTES, as_lines};
use super::upload::{self, UPLOAD_BYTES};
use crate::api::conditions::Reason;

/// Most bytes of a parameter in the environment: a longer one stands in the file only.
const VARIABLE_BYTES: usize = 32 * 1024;
/// The exit code of a command that cannot be started, as shells have it.
const CANNOT_START: i32 = 127;

/// A command with everything it is given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exec {
    /// The attempt's token.
    pub token: String,
    /// The run's name.
    pub run: String,
    /// The file with the parameters, a JSON object.
    pub parameters: PathBuf,
    /// Where the command writes its result as JSON.
    pub result: PathBuf,
    /// Where the kubelet reads how the container ended.
    pub termination_message: PathBuf,
    /// The folder of the storage, if the command may see it.
    pub storage: Option<PathBuf>,
    /// The folder of the storage for a result that is too large for the message, if the storage may be
    /// written.
    pub upload: Option<PathBuf>,
    /// The folder with credentials, if there are any.
    pub credentials: Option<PathBuf>,
    /// The program and its arguments.
    pub command: Vec<OsString>,
}

/// Copies this program to a path, where a container of another image can run it.
///
/// # Errors
/// When it cannot be read or written.
pub fn install(to: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    if let Some(folder) = to.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::copy(std::env::current_exe()?, to)?;
    fs::set_permissions(to, fs::Permissions::from_mode(0o555))
}

/// Runs a command to its end and writes down how it ended; ends as the command did.
///
/// # Errors
/// When how it ended cannot be written down.
pub fn run(exec: &Exec) -> io::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (exit_code, problem) = match runtime.block_on(exec.follow()) {
        Ok(status) => (code_of(status), None),
        Err(error) => {
            let program = exec.command.first().map(|word| word.to_string_lossy());
            let program = program.unwrap_or_default();
            let message = format!("the command `{program}` cannot be started: {error}");
            (CANNOT_START, Some(EndingProblem { reason: Reason::UserError, message }))
        }
    };
    let mut ending = Ending {
        token: exec.token.clone(),
        exit_code,
        result: None,
        logged: None,
        uploaded: None,
        problem,
    };
    if exit_code == 0 {
        exec.take_result(&mut ending);
    }
    if let Some(problem) = &ending.problem {
        writeln!(io::stderr(), "mason: {}", problem.message)?;
    }
    let message = ending.message().unwrap_or_default();
    fs::write(&exec.termination_message, message)?;
    let failed = exit_code == 0 && ending.problem.is_some();
    Ok(if failed { ExitCode::FAILURE } else { code_to_end_with(exit_code) })
}

fn code_of(status: ExitStatus) -> i32 {
    use std::os::unix::process::ExitStatusExt as _;
    status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or_default())
}

fn code_to_end_with(code: i32) -> ExitCode {
    u8::try_from(code).map_or(ExitCode::FAILURE, ExitCode::from)
}

impl Exec {
    /// Starts the command and waits for its end; passes on what asks it to stop.
    async fn follow(&self) -> io::Result<ExitStatus> {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut child = self.command()?.spawn()?;
        loop {
            tokio::select! {
                ended = child.wait() => return ended,
                _ = terminate.recv() => pass_on(&child, rustix::process::Signal::TERM),
                _ = interrupt.recv() => pass_on(&child, rustix::process::Signal::INT),
            }
        }
    }

    fn command(&self) -> io::Result<Command> {
        let (program, arguments) = self.command.split_first().ok_or(io::ErrorKind::InvalidInput)?;
        let mut command = Command::new(program);
        command.args(arguments).process_group(0);
        let text = fs::read(&self.parameters)?;
        let parameters: Map<String, Value> = serde_json::from_slice(&text)?;
        for (name, value) in &parameters {
            if let Some(text) = variable(value) {
                command.env(format!("MASON_PARAM_{}", name.to_ascii_uppercase()), text);
            }
        }
        command.env("MASON_PARAMETERS", &self.parameters).env("MASON_RESULT", &self.result);
        command.env("MASON_TOKEN", &self.token).env("MASON_RUN", &self.run);
        for (name, folder) in
            [("MASON_STORAGE", &self.storage), ("MASON_CREDENTIALS", &self.credentials)]
        {
            match folder {
                Some(folder) => command.env(name, folder),
                None => command.env_remove(name),
            };
        }
        Ok(command)
    }

    /// Takes what the command wrote: into the message if it fits, else into the storage or the log.
    fn take_result(&self, ending: &mut Ending) {
        let bytes = match self.read_result() {
            Ok(Some(bytes)) => bytes,
            Ok(None) => return,
            Err(problem) => return ending.problem = Some(problem),
        };
        match serde_json::from_slice(&bytes) {
            Err(error) => {
                let message = format!("the result of the command is not JSON: {error}");
                let reason = Reason::UserError;
                ending.problem = Some(EndingProblem { reason, message });
            }
            Ok(result) => {
                ending.result = Some(result);
                if ending.message().is_none() {
                    ending.result = None;
                    self.pass_on(&bytes, ending);
                }
            }
        }
    }

    fn read_result(&self) -> Result<Option<Vec<u8>>, EndingProblem> {
        let unreadable = |error: io::Error| EndingProblem {
            reason: Reason::UserError,
            message: format!("the result of the command cannot be read: {error}"),
        };
        let size = match fs::metadata(&self.result) {
            Ok(found) => found.len(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(unreadable(error)),
        };
        let most = if self.upload.is_some() { UPLOAD_BYTES } else { RESULT_BYTES };
        if size > most as u64 {
            let message = format!(
                "the result of the command has {size} bytes, at most {most} are taken; write \
                 what is large into the storage and answer with its path"
            );
            return Err(EndingProblem { reason: Reason::ResultTooLarge, message });
        }
        fs::read(&self.result).map(Some).map_err(unreadable)
    }

    /// Leaves a result in the storage; prints it when there is none to write, or it cannot be written.
    fn pass_on(&self, bytes: &[u8], ending: &mut Ending) {
        let Some(folder) = &self.upload else { return self.log_result(bytes, ending) };
        match upload::leave(folder, &self.token, bytes) {
            Ok(uploaded) => ending.uploaded = Some(uploaded),
            Err(error) if bytes.len() <= RESULT_BYTES => {
                let said = "the result cannot be left in the storage and is printed";
                drop(writeln!(io::stderr(), "mason: {said}: {error}"));
                self.log_result(bytes, ending);
            }
            Err(error) => {
                let message = format!("the result cannot be left in the storage: {error}");
                let reason = Reason::UserError;
                ending.problem = Some(EndingProblem { reason, message });
            }
        }
    }

    /// Prints the result in marked lines, each written at once, on lines of their own.
    fn log_result(&self, bytes: &[u8], ending: &mut Ending) {
        let (logged, lines) = as_lines(&self.token, bytes);
        let mut out = io::stdout().lock();
        let mut printed = out.write_all(b"\n");
        for line in lines {
            printed = printed.and_then(|()| out.write_all(format!("{line}\n").as_bytes()));
        }
        match printed.and_then(|()| out.flush()) {
            Ok(()) => ending.logged = Some(logged),
            Err(error) => {
                let message = format!("the result of the command cannot be printed: {error}");
                let reason = Reason::Unexpected;
                ending.problem = Some(EndingProblem { reason, message });
            }
        }
    }
}

/// Returns a parameter as the environment has it: a text as it is, anything else as JSON; nothing when it
/// cannot stand there.
fn variable(value: &Value) -> Option<String> {
    let text = match value {
        Value::Null => return None,
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    (text.len() <= VARIABLE_BYTES && !text.contains('\0')).then_some(text)
}

/// Sends a signal to the command and to everything it started.
fn pass_on(child: &Child, signal: rustix::process::Signal) {
    let number = child.id().and_then(|id| i32::try_from(id).ok());
    if let Some(group) = number.and_then(rustix::process::Pid::from_raw) {
        // A process that has ended meanwhile gets none.
        let _ = rustix::process::kill_process_group(group, signal);
    }
}
