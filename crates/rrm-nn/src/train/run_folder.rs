//! A run on disk: its configuration, a line for each step, and checkpoints that appear whole or not at all.
//!
//! Lines after the last checkpoint do not count: a resumed run begins at its last checkpoint and cuts the files of lines to their lengths at that
//! checkpoint. So however often a run was killed, these files hold the same lines as if it had not been.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Write},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::{
    TrainRunError,
    config::{self, TrainConfig},
    inputs::{self, Inputs},
};

/// The configuration with defaults filled in.
const CONFIG: &str = "config.toml";
/// The lock file of a process that trains.
const LOCK: &str = "lock";
/// Prefix of the names of checkpoint folders.
const STEP: &str = "step-";
/// Suffix of a folder or link that is being written or removed.
const PARTIAL: &str = ".partial";
/// The state of the run, in a checkpoint's folder.
const STATE: &str = "state.json";
/// The files of lines.
const LINES: [&str; 3] = ["metrics.jsonl", "rollouts.jsonl", "timings.jsonl"];

/// The progress of a run, without its weights and moments. All randomness is keyed by the seed and these numbers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunState {
    /// The number of steps taken.
    pub step: u64,
    /// The number of updates of the weights.
    pub updates: u64,
    /// The number of batches drawn from the data.
    pub batches: u64,
    /// The best result on held-out pairs: of a checkpoint, or at step 0 of the model at the beginning of the run.
    pub best: Option<BestCheckpoint>,
    /// Hashes of the files that the run reads.
    pub inputs: Inputs,
    /// The run's seed.
    pub seed: u64,
    /// Lengths in bytes of metrics.jsonl, rollouts.jsonl and timings.jsonl.
    pub lines: [u64; 3],
}

/// The best checkpoint by held-out pairs.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BestCheckpoint {
    /// Its step; 0 is the model at the beginning of the run, which has no checkpoint.
    pub step: u64,
    /// Its accuracy; of equal ones the first is best.
    pub accuracy: f64,
}

/// The files of lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LineFile {
    /// One line for each step; the same bytes whether or not the run was killed.
    Metrics,
    /// Some rollouts; also the same bytes.
    Rollouts,
    /// One line for each step, with times.
    Timings,
}

/// A run on disk, locked against other processes.
#[derive(Debug)]
pub struct RunFolder {
    path: PathBuf,
    lines: [File; 3],
    /// The operating system unlocks it when the process ends, however it ends.
    _lock: File,
}

impl RunFolder {
    /// Creates the folder, or opens an existing run. Returns the last checkpoint, if there is one. `inputs` are the hashes of the files that the run
    /// reads.
    ///
    /// # Errors
    /// [`TrainRunError`] when another process trains here, or when the folder holds something else or a run with another configuration or other
    /// files. The folder's content is then left as it is.
    pub fn open(config: &TrainConfig, inputs: &Inputs) -> Result<(Self, Option<(RunState, PathBuf)>), TrainRunError> {
        let path = config.output.clone();
        fs::create_dir_all(&path).map_err(at(&path))?;
        if !path.join(CONFIG).exists() && !is_unused(&path)? {
            return Err(TrainRunError::NoRun { folder: path });
        }
        let lock = lock(&path)?;
        let last = match last_step(&path)? {
            Some(step) => Some((state(&path, step)?, path.join(name(step)))),
            None => None,
        };
        // If nothing was computed yet, another configuration does no harm.
        if last.is_some() || fs::metadata(path.join(LINES[0])).is_ok_and(|lines| lines.len() > 0) {
            same_run(config)?;
        }
        if let Some((state, _)) = &last {
            let changed = inputs::changed(&state.inputs, inputs);
            if !changed.is_empty() {
                return Err(TrainRunError::OtherInputs { folder: path, changed });
            }
        }
        write_config(config)?;
        remove_partial(&path)?;
        let lengths = last.as_ref().map_or([0; 3], |(state, _)| state.lines);
        let open = |index: usize| cut(&path.join(LINES[index]), lengths[index]);
        let lines = [open(0)?, open(1)?, open(2)?];
        let folder = RunFolder { path, lines, _lock: lock };
        if let Some((state, _)) = &last {
            folder.link(state)?;
        }
        Ok((folder, last))
    }

    /// The path of the folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Appends a line of JSON.
    pub(super) fn line(&mut self, to: LineFile, row: &impl Serialize) -> Result<(), TrainRunError> {
        let file = self.path.join(LINES[to as usize]);
        let line =
            serde_json::to_string(row).map_err(|error| TrainRunError::File { file: file.clone(), source: error.into() })?;
        self.lines[to as usize].write_all((line + "\n").as_bytes()).map_err(at(&file))
    }

    /// Saves a checkpoint: `write` puts weights and moments into a folder, which is then renamed. Older checkpoints than the latest `keep` and the
    /// best are removed. Returns the checkpoint's folder.
    pub(super) fn save(
        &mut self,
        state: &mut RunState,
        keep: Option<usize>,
        write: impl FnOnce(&Path) -> Result<(), TrainRunError>,
    ) -> Result<PathBuf, TrainRunError> {
        for (index, file) in self.lines.iter().enumerate() {
            let path = self.path.join(LINES[index]);
            file.sync_all().map_err(at(&path))?;
            state.lines[index] = file.metadata().map_err(at(&path))?.len();
        }
        let folder = self.path.join(name(state.step));
        let partial = self.path.join(format!("{}{PARTIAL}", name(state.step)));
        fs::create_dir(&partial).map_err(at(&partial))?;
        write(&partial)?;
        let file = partial.join(STATE);
        let json = serde_json::to_string_pretty(state)
            .map_err(|error| TrainRunError::File { file: file.clone(), source: error.into() })?;
        write_synced(&file, &json).map_err(at(&file))?;
        sync_folder(&partial).map_err(at(&partial))?;
        fs::rename(&partial, &folder).map_err(at(&folder))?;
        sync_folder(&self.path).map_err(at(&self.path))?;
        self.link(state)?;
        if let Some(keep) = keep {
            self.remove_old(state, keep)?;
        }
        Ok(folder)
    }

    /// Writes a folder next to the checkpoints, whole or not at all.
    pub(super) fn save_beside(
        &self,
        name: &str,
        write: impl FnOnce(&Path) -> Result<(), TrainRunError>,
    ) -> Result<PathBuf, TrainRunError> {
        let (folder, partial) = (self.path.join(name), self.path.join(format!("{name}{PARTIAL}")));
        if folder.exists() {
            return Ok(folder);
        }
        fs::create_dir(&partial).map_err(at(&partial))?;
        write(&partial)?;
        sync_folder(&partial).map_err(at(&partial))?;
        fs::rename(&partial, &folder).map_err(at(&folder))?;
        sync_folder(&self.path).map_err(at(&self.path))?;
        Ok(folder)
    }

    /// Removes a folder that [`save_beside`](Self::save_beside) wrote, because the run continues and the folder would be outdated.
    pub(super) fn remove_beside(&self, name: &str) -> Result<(), TrainRunError> {
        let folder = self.path.join(name);
        if folder.exists() { self.remove(name) } else { Ok(()) }
    }

    /// Removes a folder; it is renamed first, so that a folder under its own name is always whole.
    fn remove(&self, name: &str) -> Result<(), TrainRunError> {
        let (folder, partial) = (self.path.join(name), self.path.join(format!("{name}{PARTIAL}")));
        fs::rename(&folder, &partial).map_err(at(&folder))?;
        fs::remove_dir_all(&partial).map_err(at(&partial))
    }

    /// Points the links `last` and `best` to their checkpoints.
    fn link(&self, state: &RunState) -> Result<(), TrainRunError> {
        point(&self.path, "last", &name(state.step))?;
        match state.best {
            Some(best) if self.path.join(name(best.step)).exists() => point(&self.path, "best", &name(best.step)),
            _ => Ok(()),
        }
    }

    fn remove_old(&self, state: &RunState, keep: usize) -> Result<(), TrainRunError> {
        let mut steps = steps(&self.path)?;
        steps.sort_unstable();
        for step in steps.iter().rev().skip(keep).filter(|step| state.best.is_none_or(|best| best.step != **step)) {
            self.remove(&name(*step))?;
        }
        Ok(())
    }
}

fn text(config: &TrainConfig) -> Result<String, TrainRunError> {
    let unwritten =
        |error: toml::ser::Error| TrainRunError::Damaged { file: config.output.join(CONFIG), what: error.to_string() };
    config.to_toml().map_err(unwritten)
}

/// Refuses a configuration with which the earlier steps would have been different.
fn same_run(config: &TrainConfig) -> Result<(), TrainRunError> {
    let file = config.output.join(CONFIG);
    let old = fs::read_to_string(&file).map_err(at(&file))?;
    let old = TrainConfig::parse(&file.display().to_string(), &old, &[])?;
    let damaged = |error: toml::ser::Error| TrainRunError::Damaged { file: file.clone(), what: error.to_string() };
    let changes: Vec<_> = config::changes(&old, config).map_err(damaged)?.into_iter().filter(|change| !change.harmless).collect();
    if changes.is_empty() { Ok(()) } else { Err(TrainRunError::Changed { folder: config.output.clone(), changes }) }
}

fn write_config(config: &TrainConfig) -> Result<(), TrainRunError> {
    let (file, partial) = (config.output.join(CONFIG), config.output.join(format!("{CONFIG}{PARTIAL}")));
    let about = format!("# Resolved configuration of a run of rrm {}\n", env!("CARGO_PKG_VERSION"));
    write_synced(&partial, &(about + &text(config)?)).map_err(at(&partial))?;
    fs::rename(&partial, &file).map_err(at(&file))
}

/// Whether the folder has only files that a process leaves when it is killed at once.
fn is_unused(path: &Path) -> Result<bool, TrainRunError> {
    let names = names(path)?;
    Ok(names.iter().all(|name| name == LOCK || name.ends_with(PARTIAL)))
}

fn lock(path: &Path) -> Result<File, TrainRunError> {
    let file = path.join(LOCK);
    let lock = OpenOptions::new().create(true).truncate(false).write(true).open(&file).map_err(at(&file))?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(TrainRunError::InUse { folder: path.to_owned() }),
        Err(TryLockError::Error(source)) => Err(TrainRunError::File { file, source }),
    }
}

/// Opens a file of lines, cut to `length`.
fn cut(file: &Path, length: u64) -> Result<File, TrainRunError> {
    let lines = OpenOptions::new().create(true).append(true).open(file).map_err(at(file))?;
    let found = lines.metadata().map_err(at(file))?.len();
    if found < length {
        let what = format!("has {found} bytes, fewer than the {length} that it had at the last checkpoint");
        return Err(TrainRunError::Damaged { file: file.to_owned(), what });
    }
    lines.set_len(length).map_err(at(file))?;
    Ok(lines)
}

fn state(path: &Path, step: u64) -> Result<RunState, TrainRunError> {
    let file = path.join(name(step)).join(STATE);
    let json = fs::read(&file).map_err(at(&file))?;
    serde_json::from_slice(&json).map_err(|error| TrainRunError::Damaged { file, what: error.to_string() })
}

/// Returns the highest step with a checkpoint.
fn last_step(path: &Path) -> Result<Option<u64>, TrainRunError> {
    Ok(steps(path)?.into_iter().max())
}

fn steps(path: &Path) -> Result<Vec<u64>, TrainRunError> {
    Ok(names(path)?.iter().filter_map(|name| name.strip_prefix(STEP)?.parse().ok()).collect())
}

fn names(path: &Path) -> Result<Vec<String>, TrainRunError> {
    let entries = fs::read_dir(path).map_err(at(path))?;
    let name = |entry: io::Result<fs::DirEntry>| Ok(entry.map_err(at(path))?.file_name().to_string_lossy().into_owned());
    entries.map(name).collect()
}

/// Removes folders and links that a killed process was writing or removing.
fn remove_partial(path: &Path) -> Result<(), TrainRunError> {
    for name in names(path)?.iter().filter(|name| name.ends_with(PARTIAL)) {
        let partial = path.join(name);
        let removed = if partial.is_dir() { fs::remove_dir_all(&partial) } else { fs::remove_file(&partial) };
        removed.map_err(at(&partial))?;
    }
    Ok(())
}

/// Points a link in `folder` to another of its entries.
fn point(folder: &Path, link: &str, to: &str) -> Result<(), TrainRunError> {
    let (path, partial) = (folder.join(link), folder.join(format!("{link}{PARTIAL}")));
    if fs::read_link(&path).is_ok_and(|old| old == Path::new(to)) {
        return Ok(());
    }
    #[cfg(unix)]
    std::os::unix::fs::symlink(to, &partial).map_err(at(&partial))?;
    #[cfg(windows)]
    std::os::windows::fs::symlink_dir(to, &partial).map_err(at(&partial))?;
    fs::rename(&partial, &path).map_err(at(&path))
}

fn name(step: u64) -> String {
    format!("{STEP}{step:06}")
}

fn write_synced(file: &Path, text: &str) -> io::Result<()> {
    let mut out = File::create(file)?;
    out.write_all(text.as_bytes())?;
    out.sync_all()
}

/// Waits until the entries of a folder are on disk.
fn sync_folder(path: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(path)?.sync_all() } else { Ok(()) }
}

/// Adds the path to an I/O error.
fn at(file: &Path) -> impl Fn(io::Error) -> TrainRunError + '_ {
    |source| TrainRunError::File { file: file.to_owned(), source }
}
