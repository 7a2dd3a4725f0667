//! `/healthz` and `/readyz`, on a thread of their own: no work of the controller can starve them.
//!
//! Two answers for a probe are all there is, so this speaks just enough HTTP/1.1 for one.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// How long whoever asks may take.
const PATIENCE: Duration = Duration::from_secs(1);
/// Most bytes of a request's first line.
const LINE: usize = 4_096;

/// The health of the process: ready once every gate is open.
#[derive(Debug)]
pub(super) struct Health {
    address: SocketAddr,
    closed: Arc<AtomicUsize>,
    starting: Gate,
}

/// Something that has to happen before the process is ready.
#[derive(Debug)]
pub(super) struct Gate {
    closed: Arc<AtomicUsize>,
    is_open: AtomicBool,
}

impl Gate {
    fn new(closed: &Arc<AtomicUsize>) -> Self {
        closed.fetch_add(1, Ordering::AcqRel);
        Self { closed: Arc::clone(closed), is_open: AtomicBool::new(false) }
    }

    /// Says that it happened; saying it again changes nothing.
    pub(super) fn open(&self) {
        if !self.is_open.swap(true, Ordering::AcqRel) {
            self.closed.fetch_sub(1, Ordering::AcqRel);
        }
    }

    /// Returns whether it has happened.
    pub(super) fn has_opened(&self) -> bool {
        self.is_open.load(Ordering::Acquire)
    }
}

impl Health {
    /// Serves health until the process ends.
    pub(super) fn serve(address: SocketAddr) -> std::io::Result<Self> {
        let listener = TcpListener::bind(address)?;
        let (address, closed) = (listener.local_addr()?, Arc::default());
        let health = Self { address, starting: Gate::new(&closed), closed: Arc::clone(&closed) };
        std::thread::Builder::new().name("health".to_owned()).spawn(move || {
            for asked in listener.incoming().flatten() {
                // Whoever hangs up gets no answer.
                drop(answer(&asked, closed.load(Ordering::Acquire)));
            }
        })?;
        Ok(health)
    }

    /// Returns where it is served.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns a gate, closed.
    pub(super) fn gate(&self) -> Gate {
        Gate::new(&self.closed)
    }

    /// Says that every gate there will be has been taken.
    pub(super) fn has_started(&self) {
        self.starting.open();
    }
}

fn answer(mut asked: &TcpStream, closed: usize) -> std::io::Result<()> {
    asked.set_write_timeout(Some(PATIENCE))?;
    let line = first_line(asked)?;
    let (status, text) = response(&line, closed);
    write!(
        asked,
        "HTTP/1.1 {status}\r\nContent-Type: text/plain\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{text}",
        text.len()
    )
}

/// Reads a request's first line. Whoever sends it byte by byte must not keep others waiting: all of it
/// has to be there in time.
fn first_line(mut asked: &TcpStream) -> std::io::Result<String> {
    let until = Instant::now() + PATIENCE;
    let (mut line, mut more) = (Vec::new(), [0; LINE]);
    while !line.contains(&b'\n') && line.len() < LINE {
        let left = until.saturating_duration_since(Instant::now());
        asked.set_read_timeout(Some(left.max(Duration::from_millis(1))))?;
        match asked.read(&mut more)? {
            0 => break,
            read => line.extend_from_slice(&more[..read]),
        }
        if left.is_zero() {
            return Err(std::io::ErrorKind::TimedOut.into());
        }
    }
    let end = line.iter().position(|byte| *byte == b'\n').unwrap_or(line.len());
    Ok(String::from_utf8_lossy(&line[..end]).into_owned())
}

fn response(line: &str, closed: usize) -> (&'static str, String) {
    let mut words = line.split_ascii_whitespace();
    let path = match (words.next(), words.next()) {
        (Some("GET"), Some(path)) => path.split('?').next().unwrap_or_default(),
        _ => return ("405 Method Not Allowed", "only GET\n".to_owned()),
    };
    match (path, closed) {
        ("/healthz", _) | ("/readyz", 0) => ("200 OK", "ok\n".to_owned()),
        ("/readyz", closed) => {
            ("503 Service Unavailable", format!("{closed} watches have not begun yet\n"))
        }
        _ => ("404 Not Found", "there are /healthz and /readyz\n".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(address: SocketAddr, request: &str) -> String {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        text
    }

    #[test]
    fn ready_once_every_gate_is_open() {
        let health = Health::serve("127.0.0.1:0".parse().unwrap()).unwrap();
        let (one, other) = (health.gate(), health.gate());
        health.has_started();
        let ready = || ask(health.address(), "GET /readyz HTTP/1.1\r\n\r\n");
        assert!(ready().starts_with("HTTP/1.1 503 "), "{}", ready());
        one.open();
        one.open();
        assert!(ready().ends_with("1 watches have not begun yet\n"), "{}", ready());
        other.open();
        assert!(ready().starts_with("HTTP/1.1 200 OK\r\n"), "{}", ready());
    }

    #[test]
    fn who_sends_a_request_byte_by_byte_does_not_keep_others_waiting() {
        let health = Health::serve("127.0.0.1:0".parse().unwrap()).unwrap();
        let mut slow = TcpStream::connect(health.address()).unwrap();
        let begun = Instant::now();
        let drip = std::thread::spawn(move || {
            while slow.write_all(b"G").is_ok() && begun.elapsed() < PATIENCE * 10 {
                std::thread::sleep(PATIENCE / 10);
            }
        });
        std::thread::sleep(PATIENCE / 10);
        let answer = ask(health.address(), "GET /healthz HTTP/1.1\r\n\r\n");
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
        assert!(begun.elapsed() < PATIENCE * 3, "{:?}", begun.elapsed());
        drip.join().unwrap();
    }

    #[test]
    fn alive_whatever_the_gates_are_and_nothing_else_is_there() {
        assert_eq!(response("GET /healthz HTTP/1.1", 3).0, "200 OK");
        assert_eq!(response("GET /readyz?verbose HTTP/1.1", 0).0, "200 OK");
        assert_eq!(response("GET / HTTP/1.1", 0).0, "404 Not Found");
        assert_eq!(response("POST /healthz HTTP/1.1", 0).0, "405 Method Not Allowed");
        assert_eq!(response("", 0).0, "405 Method Not Allowed");
    }
}
