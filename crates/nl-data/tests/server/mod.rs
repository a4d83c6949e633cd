//! A file server on 127.0.0.1 that misbehaves on demand.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{JoinHandle, sleep, spawn};
use std::time::Duration;

/// A file's name, and the first byte if a range was asked for.
pub(crate) type Request = (String, Option<u64>);

/// How a request is answered.
#[derive(Debug, Clone)]
pub(crate) enum Reply {
    /// As a good server does, ranges included.
    Good(Vec<u8>),
    /// The whole, whatever range was asked for.
    Whole(Vec<u8>),
    /// The right length is declared, and the connection closed after so many bytes.
    CutAt(Vec<u8>, usize),
    /// No length is declared, and the connection closed at the end of these bytes.
    Unsized(Vec<u8>),
    /// One byte at a time, with pauses.
    Drip(Vec<u8>),
    /// The header, then nothing for as long as the client stays.
    Stall(Vec<u8>),
    /// No such file.
    NotFound,
}

/// A running server; it stops when dropped.
pub(crate) struct Server {
    address: String,
    requests: Arc<Mutex<Vec<Request>>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Answers `GET /NAME` with `reply(NAME, first byte asked for)`.
    pub(crate) fn start(reply: impl Fn(&str, Option<u64>) -> Reply + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (requests, stop) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicBool::new(false)));
        let (log, stopped) = (Arc::clone(&requests), Arc::clone(&stop));
        let thread = spawn(move || {
            for stream in listener.incoming() {
                if stopped.load(Ordering::SeqCst) {
                    break;
                }
                let Ok(stream) = stream else { continue };
                let Some((name, range)) = request(&stream) else { continue };
                log.lock().unwrap().push((name.clone(), range));
                // A client that hangs up is part of the play.
                let _ = answer(stream, reply(&name, range), range, &stopped);
            }
        });
        Self { address, requests, stop, thread: Some(thread) }
    }

    /// The address of its folder.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Each file asked for so far, with the first byte if a range was asked for.
    pub(crate) fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(&self.address);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn request(stream: &TcpStream) -> Option<Request> {
    let mut lines = BufReader::new(stream).lines();
    let name = lines.next()?.ok()?.split(' ').nth(1)?.trim_start_matches('/').to_owned();
    let mut range = None;
    for line in lines {
        let line = line.ok()?.to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(bytes) = line.strip_prefix("range: bytes=") {
            range = bytes.trim_end_matches('-').parse().ok();
        }
    }
    Some((name, range))
}

fn answer(mut stream: TcpStream, reply: Reply, range: Option<u64>, stop: &AtomicBool) -> std::io::Result<()> {
    let head =
        |status: &str, length: usize| format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n");
    match reply {
        Reply::Good(body) => {
            let start = range.unwrap_or(0) as usize;
            if range.is_none() {
                write!(stream, "{}\r\n", head("200 OK", body.len()))?;
            } else if start >= body.len() {
                return write!(stream, "{}\r\n", head("416 Range Not Satisfiable", 0));
            } else {
                let range = format!("Content-Range: bytes {start}-{}/{}", body.len() - 1, body.len());
                write!(stream, "{}{range}\r\n\r\n", head("206 Partial Content", body.len() - start))?;
            }
            stream.write_all(&body[start..])
        }
        Reply::Whole(body) => {
            write!(stream, "{}\r\n", head("200 OK", body.len()))?;
            stream.write_all(&body)
        }
        Reply::CutAt(body, bytes) => {
            write!(stream, "{}\r\n", head("200 OK", body.len()))?;
            stream.write_all(&body[..bytes])
        }
        Reply::Unsized(body) => {
            write!(stream, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")?;
            stream.write_all(&body)
        }
        Reply::Drip(body) => {
            write!(stream, "{}\r\n", head("200 OK", body.len()))?;
            for byte in body {
                stream.write_all(&[byte])?;
                sleep(Duration::from_millis(5));
            }
            Ok(())
        }
        Reply::Stall(body) => {
            write!(stream, "{}\r\n", head("200 OK", body.len()))?;
            stream.write_all(&body[..1])?;
            stream.set_read_timeout(Some(Duration::from_millis(20)))?;
            while !stop.load(Ordering::SeqCst) {
                match stream.peek(&mut [0]) {
                    Err(error)
                        if matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut) => {}
                    _ => break,
                }
            }
            Ok(())
        }
        Reply::NotFound => write!(stream, "{}\r\nno such file", head("404 Not Found", 12)),
    }
}
