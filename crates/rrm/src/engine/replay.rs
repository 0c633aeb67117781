//! An engine's completions -> a recording on disk -> an engine that gives the same completions again without cost.
//!
//! A recording is JSON lines: a header with the engine's [`EngineInfo`], then one line for each completion. A request is identified by its messages,
//! its settings (sampling and budget) and its seed; its engine is the one in the header.

use std::{
    collections::HashMap,
    fs::{self, File, OpenOptions},
    io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use blake3::Hash;
use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};

use super::{Completion, Engine, EngineError, EngineInfo, Opening, Request};
use crate::address::{messages_hash, settings_hash};

/// Version of the file format.
const VERSION: u32 = 1;

/// The reason why a recording could not be read or written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordingError {
    /// The file cannot be opened, read or written.
    #[error("{path}: {detail}")]
    Io {
        /// The recording.
        path: PathBuf,
        /// Message of the operating system.
        detail: String,
    },
    /// The first line is not the header of a recording.
    #[error("{path}: is not a recording: {detail}")]
    NotARecording {
        /// The file.
        path: PathBuf,
        /// Error of the first line.
        detail: String,
    },
    /// The recording was written by a later version.
    #[error("{path}: is a recording of version {found}, this version reads {VERSION}: use a newer rrm")]
    Newer {
        /// The recording.
        path: PathBuf,
        /// Version of the recording.
        found: u32,
    },
    /// A line is not a completion.
    #[error("{path}:{line}: {detail}")]
    BadLine {
        /// The recording.
        path: PathBuf,
        /// Number of the line, counted from 1.
        line: usize,
        /// Error of the line.
        detail: String,
    },
    /// The file holds completions of another engine.
    #[error("{path}: holds answers of {recorded}, not of {engine}: record into another file")]
    OtherEngine {
        /// The recording.
        path: PathBuf,
        /// Name and fingerprint in the header.
        recorded: String,
        /// Name and fingerprint of the engine to be recorded.
        engine: String,
    },
}

/// The first line of a recording.
#[derive(Serialize, Deserialize)]
struct Header {
    recording: u32,
    engine: EngineInfo,
    /// The writer of the mark that opens the thinking; the model in recordings without this field.
    #[serde(default)]
    opening: Opening,
}

/// The line of one completion in a recording.
#[derive(Serialize, Deserialize)]
struct ReplayLine<T> {
    /// Hash of the messages, in hexadecimal digits, as is the next hash.
    messages: String,
    /// Hash of sampling and budget.
    settings: String,
    seed: u64,
    completion: T,
}

/// Engine that answers from a recording.
pub struct ReplayEngine {
    info: EngineInfo,
    opening: Opening,
    /// Name `replay:FILE`, for errors.
    name: String,
    /// Place of each completion in the file, by messages, settings and seed.
    index: HashMap<Hash, HashMap<Hash, HashMap<u64, LineSpan>>>,
    file: Mutex<File>,
}

/// The bytes of one line of the file.
#[derive(Clone, Copy)]
struct LineSpan {
    start: u64,
    length: usize,
}

impl ReplayEngine {
    /// Opens a recording. Its completions stay on disk; only their places are in memory. A last line without an end, left by a recorder that was
    /// killed, is ignored. If a request was recorded twice, its first completion is given.
    ///
    /// # Errors
    /// [`RecordingError`] if the file cannot be read, or with the line that is not valid.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, RecordingError> {
        let path = path.as_ref();
        let file = File::open(path).map_err(|error| io_error(path, &error))?;
        let mut index: HashMap<Hash, HashMap<Hash, HashMap<u64, LineSpan>>> = HashMap::new();
        let (header, _) = scan(path, &file, |line, place| {
            let hash = |hex: &str| Hash::from_hex(hex).map_err(|error| error.to_string());
            let answers = index.entry(hash(&line.messages)?).or_default().entry(hash(&line.settings)?).or_default();
            answers.entry(line.seed).or_insert(place);
            Ok(())
        })?;
        let Some(header) = header else {
            return Err(RecordingError::NotARecording { path: path.to_owned(), detail: "it is empty".into() });
        };
        let info = EngineInfo { paid: false, ..header.engine };
        let opening = header.opening;
        Ok(ReplayEngine { info, opening, name: format!("replay:{}", path.display()), index, file: Mutex::new(file) })
    }

    fn answer(&self, request: &Request) -> Result<Completion, EngineError> {
        let Request { messages, sampling, budget, seed, .. } = request;
        let unknown = |what: &str| EngineError::NotRecorded { engine: self.name.clone(), what: what.into() };
        let by_settings =
            self.index.get(&messages_hash(messages)).ok_or_else(|| unknown("nothing is recorded for these messages"))?;
        let by_seed = by_settings
            .get(&settings_hash(sampling, budget.as_ref()))
            .ok_or_else(|| unknown("these messages are recorded with another sampling or thinking budget only"))?;
        let place = by_seed.get(seed).ok_or_else(|| {
            unknown(&format!("these messages are recorded with {} other seeds, not with {seed}", by_seed.len()))
        })?;
        let failed = |detail: String| EngineError::Failed { engine: self.name.clone(), detail };
        let line = self.read(*place).map_err(|error| failed(error.to_string()))?;
        let line: ReplayLine<Completion> = serde_json::from_slice(&line).map_err(|error| failed(error.to_string()))?;
        Ok(line.completion)
    }

    fn read(&self, place: LineSpan) -> io::Result<Vec<u8>> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let mut line = vec![0; place.length];
        file.seek(SeekFrom::Start(place.start))?;
        file.read_exact(&mut line)?;
        Ok(line)
    }
}

impl Engine for ReplayEngine {
    fn info(&self) -> &EngineInfo {
        &self.info
    }

    fn opening(&self) -> Opening {
        self.opening
    }

    fn complete(&self, request: Request) -> BoxFuture<'_, Result<Completion, EngineError>> {
        Box::pin(async move {
            let completion = self.answer(&request)?;
            if let Some(sink) = &request.sink {
                sink(&completion.text);
            }
            Ok(completion)
        })
    }
}

/// Recorder of an engine's completions.
pub struct Recorder {
    path: PathBuf,
    file: Mutex<File>,
}

impl Recorder {
    /// Records into a new file, or continues a recording of the same engine.
    ///
    /// # Errors
    /// [`RecordingError`] if the file cannot be written, is no recording, or holds completions of another engine.
    pub fn create(engine: &EngineInfo, path: impl AsRef<Path>) -> Result<Self, RecordingError> {
        Recorder::create_for(engine, Opening::Model, path)
    }

    /// Records like [`Recorder::create`], with the writer of the mark that opens the thinking.
    ///
    /// # Errors
    /// As [`Recorder::create`].
    pub fn create_for(engine: &EngineInfo, opening: Opening, path: impl AsRef<Path>) -> Result<Self, RecordingError> {
        let path = path.as_ref();
        let failed = |error: io::Error| io_error(path, &error);
        let mut file = OpenOptions::new().read(true).append(true).create(true).open(path).map_err(failed)?;
        let mut header = None;
        // A device or a pipe holds no recording to continue, and may have no end.
        if file.metadata().map_err(failed)?.is_file() {
            let (found, end) = scan(path, &file, |_, _| Ok(()))?;
            // Half a line of a recorder that was killed is removed, because the next line would be appended to it.
            file.set_len(end).map_err(failed)?;
            header = found;
        }
        match header {
            None => {
                let header = Header { recording: VERSION, engine: engine.clone(), opening };
                append(&mut file, &header).map_err(failed)?;
            }
            Some(header) if header.engine.fingerprint != engine.fingerprint => {
                let name = |info: &EngineInfo| format!("{} ({})", info.name, info.fingerprint);
                let (recorded, engine) = (name(&header.engine), name(engine));
                return Err(RecordingError::OtherEngine { path: path.to_owned(), recorded, engine });
            }
            Some(_) => (),
        }
        Ok(Recorder { path: path.to_owned(), file: Mutex::new(file) })
    }

    /// Checks that a recording can be begun or continued at `path`, before its engine is known. Changes nothing.
    ///
    /// # Errors
    /// [`RecordingError`] if the file cannot be written, or is no recording.
    pub fn try_out(path: impl AsRef<Path>) -> Result<(), RecordingError> {
        let path = path.as_ref();
        let failed = |error: io::Error| io_error(path, &error);
        // A reader of a device or a pipe would see its end.
        if fs::metadata(path).is_ok_and(|about| !about.is_file() && !about.is_dir()) {
            return Ok(());
        }
        let fresh = fs::symlink_metadata(path).is_err();
        let file = OpenOptions::new().read(true).append(true).create(true).open(path).map_err(failed)?;
        if fresh {
            return fs::remove_file(path).map_err(failed);
        }
        scan(path, &file, |_, _| Ok(())).map(drop)
    }

    /// Records one completion. It is in the file when this returns.
    ///
    /// # Errors
    /// [`RecordingError::Io`] when the file cannot be written.
    pub fn record(&self, request: &Request, completion: &Completion) -> Result<(), RecordingError> {
        let messages = messages_hash(&request.messages).to_string();
        let settings = settings_hash(&request.sampling, request.budget.as_ref()).to_string();
        let line = ReplayLine { messages, settings, seed: request.seed, completion };
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        append(&mut file, &line).map_err(|error| io_error(&self.path, &error))
    }
}

/// Writes a line in one call, so that a process that is killed leaves whole lines and at most one partial line at the end.
fn append(file: &mut File, line: &impl Serialize) -> io::Result<()> {
    let mut bytes = serde_json::to_vec(line)?;
    bytes.push(b'\n');
    file.write_all(&bytes)
}

/// Reads a recording line by line. Returns its header, unless the file is empty, and the end of its last whole line.
fn scan(
    path: &Path,
    file: &File,
    mut take: impl FnMut(&ReplayLine<Completion>, LineSpan) -> Result<(), String>,
) -> Result<(Option<Header>, u64), RecordingError> {
    let mut reader = BufReader::new(file);
    let (mut header, mut start, mut bytes) = (None, 0, Vec::new());
    for line in 1.. {
        bytes.clear();
        let length = reader.read_until(b'\n', &mut bytes).map_err(|error| io_error(path, &error))?;
        if bytes.pop_if(|last| *last == b'\n').is_none() {
            break;
        }
        if header.is_none() {
            header = Some(read_header(path, &bytes)?);
        } else {
            let parsed = serde_json::from_slice(&bytes).map_err(|error| error.to_string());
            let taken = parsed.and_then(|parsed| take(&parsed, LineSpan { start, length: bytes.len() }));
            taken.map_err(|detail| RecordingError::BadLine { path: path.to_owned(), line, detail })?;
        }
        start += length as u64;
    }
    // Half a header is overwritten by the recorder; any other file without a line end belongs to somebody else.
    if header.is_none() && !bytes.is_empty() && !bytes.starts_with(b"{\"recording\":") {
        return Err(RecordingError::NotARecording { path: path.to_owned(), detail: "its first line is no header".into() });
    }
    Ok((header, start))
}

fn read_header(path: &Path, line: &[u8]) -> Result<Header, RecordingError> {
    /// The part of a header that is the same in all versions.
    #[derive(Deserialize)]
    struct Version {
        recording: u32,
    }
    let failed = |error: serde_json::Error| RecordingError::NotARecording { path: path.to_owned(), detail: error.to_string() };
    let found = serde_json::from_slice::<Version>(line).map_err(failed)?.recording;
    if found > VERSION {
        return Err(RecordingError::Newer { path: path.to_owned(), found });
    }
    serde_json::from_slice(line).map_err(failed)
}

fn io_error(path: &Path, error: &io::Error) -> RecordingError {
    RecordingError::Io { path: path.to_owned(), detail: error.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        chat::Message,
        engine::{Finish, Sampling, Usage},
    };

    #[test]
    fn a_recording_that_cannot_be_written_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("recording.jsonl");
        std::fs::write(&path, "").unwrap();
        // Open for reading only, which fails like a full disk.
        let recorder = Recorder { path: path.clone(), file: Mutex::new(File::open(&path).unwrap()) };
        let (budget, comparison, labels, sink) = (None, None, None, None);
        let request = Request {
            messages: [Message::user("x")].into(),
            sampling: Sampling::default(),
            seed: 0,
            budget,
            comparison,
            labels,
            sink,
        };
        let (text, reasoning, label_logprobs) = ("y".to_owned(), None, None);
        let completion =
            Completion { text, reasoning, finish: Finish::Stop, elicited: false, usage: Usage::default(), label_logprobs };
        let error = recorder.record(&request, &completion).unwrap_err();
        assert!(matches!(&error, RecordingError::Io { path: named, .. } if *named == path));
    }
}
