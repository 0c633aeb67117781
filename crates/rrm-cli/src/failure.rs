//! Errors -> a line for the user with a hint, and the exit code, by the kind of error.

use std::{
    env, fmt,
    io::{self, Write},
    process::ExitCode,
};

use rrm::{
    dataset::{ColumnError, DatasetError, RowProblem},
    engine::EngineError,
    eval::{self, EvalError},
    judge::JudgeError,
    pairs::{ColumnSpecError, PairsError},
    run::RunError,
    store::StoreError,
};
use rrm_engines::OpenError;

use crate::lines::harmless;

/// A usage error: the call is wrong whatever the input.
#[derive(Debug)]
pub struct UsageError(String);

impl fmt::Display for UsageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for UsageError {}

/// Makes a usage error with its reason.
pub fn usage(why: impl Into<String>) -> UsageError {
    UsageError(why.into())
}

/// Returns a [`UsageError`] unless the condition holds.
macro_rules! ensure {
    ($holds:expr, $($why:tt)*) => {
        let holds: bool = $holds;
        if !holds {
            return Err($crate::failure::usage(format!($($why)*)).into());
        }
    };
}
pub(crate) use ensure;

/// The kind of an error; its number is the exit code.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum FailureKind {
    /// An error of the input or the environment: files, rows, servers, limits, a full disk.
    User = 1,
    /// A usage error or a bug of the program: no other input would help.
    UsageOrOurs = 2,
    /// Not an error: the program was stopped by Ctrl-C or SIGTERM. The code is that of shells for a program ended by SIGINT.
    Interrupted = 130,
}

impl FailureKind {
    /// Returns the exit code of words that are not a command, or of a request for help.
    pub fn of_words(wrong: bool) -> ExitCode {
        if wrong { FailureKind::UsageOrOurs.into() } else { ExitCode::SUCCESS }
    }

    /// Determines the kind from the types of the errors in the chain.
    fn of(error: &anyhow::Error) -> Self {
        let ours = |cause: &(dyn std::error::Error + 'static)| {
            cause.is::<UsageError>()
                || cause.is::<ColumnError>()
                || cause.is::<ColumnSpecError>()
                || matches!(cause.downcast_ref(), Some(OpenError::Spec { .. } | OpenError::NotReplicas(_)))
                || cause.downcast_ref::<EngineError>().is_some_and(EngineError::is_ours)
                || cause.downcast_ref::<StoreError>().is_some_and(StoreError::is_ours)
        };
        let judge = judge_error(error).is_some_and(|error| match error {
            JudgeError::Engine(error) => error.is_ours(),
            JudgeError::Store(error) => error.is_ours(),
            _ => false,
        });
        if judge || error.chain().any(ours) { FailureKind::UsageOrOurs } else { FailureKind::User }
    }
}

impl From<FailureKind> for ExitCode {
    fn from(kind: FailureKind) -> Self {
        ExitCode::from(kind as u8)
    }
}

/// An error with a hint.
pub struct Failure {
    error: anyhow::Error,
    more: Vec<String>,
    hint: Option<String>,
    kind: FailureKind,
}

impl Failure {
    /// Makes a failure of an error; its type determines the kind.
    pub fn user(error: impl Into<anyhow::Error>) -> Self {
        let error = error.into();
        let (hint, kind) = (hint(&error), FailureKind::of(&error));
        Failure { error, more: Vec::new(), hint, kind }
    }

    /// Makes a failure of a usage error.
    pub fn usage(why: impl Into<String>) -> Self {
        Failure::user(usage(why))
    }

    /// Makes the failure of an interrupted program.
    pub fn interrupted() -> Self {
        let failure = Failure::user(anyhow::anyhow!("interrupted; nothing was written"));
        let hint = "what was answered is in the store, if there was one: the same command goes on from there".to_owned();
        Failure { hint: Some(hint), kind: FailureKind::Interrupted, ..failure }
    }

    /// Names the option that leaves out rows that cannot be used, for commands that have it.
    pub fn or_skipped(mut self) -> Self {
        if self.hint.as_deref() == Some(MEND) {
            let hint = "nothing was judged; mend the row and run again, or leave out such rows with --skip-bad-rows";
            self.hint = Some(format!("{hint} (docs/formats.md describes rows)"));
        }
        self
    }

    /// Makes a failure of the bad rows of an input, with a line for each.
    pub fn rows(errors: Vec<DatasetError>) -> Self {
        let mut lines = errors.into_iter();
        let first = lines.next().map_or_else(|| anyhow::anyhow!("the input cannot be read"), anyhow::Error::from);
        let more: Vec<String> = lines.map(|error| error.to_string()).collect();
        let failure = Failure::user(first);
        Failure { more, ..failure }
    }

    /// Returns the failure with further lines.
    pub fn with_lines(self, more: Vec<String>) -> Self {
        Failure { more, ..self }
    }

    /// Returns the failure with another hint.
    pub fn with_hint(self, hint: impl Into<String>) -> Self {
        Failure { hint: Some(hint.into()), ..self }
    }
}

impl<E: Into<anyhow::Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Failure::user(error)
    }
}

/// Prints the failure to stderr and returns its exit code.
pub fn report(failure: &Failure) -> ExitCode {
    let mut out = format!("error: {}\n", sentence(&failure.error));
    for line in &failure.more {
        out += &format!("       {line}\n");
    }
    if let Some(hint) = &failure.hint {
        out += &format!("hint: {hint}\n");
    }
    io::stderr().write_all(harmless(&out).as_bytes()).ok();
    failure.kind.into()
}

/// Joins an error and its causes; a cause that is already contained is not repeated.
fn sentence(error: &anyhow::Error) -> String {
    error.chain().skip(1).fold(error.to_string(), |said, cause| {
        let cause = cause.to_string();
        if said.contains(&cause) { said } else { format!("{said}: {cause}") }
    })
}

const PAID_BEFORE: &str = "--same-weights uses them from now on, if the weights are the same; --pay-again asks anew, if it is another model or you do not \
    mind; --revision NAME, from the first run on, says by name who judges";

/// Returns the reason why a judgment failed, from the error of its caller.
fn judge_error(error: &anyhow::Error) -> Option<&JudgeError> {
    if let Some(RunError::Judge { source, .. }) = error.downcast_ref::<RunError>() {
        return Some(source);
    }
    if let Some(eval::EvalRunError::Judge { source, .. }) = error.downcast_ref::<eval::EvalRunError>() {
        return Some(source);
    }
    match error.downcast_ref::<PairsError>() {
        Some(PairsError::Judge { source, .. }) => Some(source),
        _ => None,
    }
}

/// Returns a hint for an error.
fn hint(error: &anyhow::Error) -> Option<String> {
    let judge = judge_error(error);
    if let Some(JudgeError::PaidBefore(_)) = judge {
        return Some(PAID_BEFORE.to_owned());
    }
    let engine = error.downcast_ref::<EngineError>().or_else(|| match (error.downcast_ref::<OpenError>(), judge) {
        (Some(OpenError::Engine(engine)), _) | (_, Some(JudgeError::Engine(engine))) => Some(engine),
        _ => None,
    });
    if let Some(engine) = engine {
        return engine_hint(engine);
    }
    if let Some(OpenError::Spec { .. } | OpenError::NotReplicas(_)) = error.downcast_ref::<OpenError>() {
        return Some(format!("--engine takes {}", rrm_engines::KNOWN));
    }
    if let Some(dataset) = error.downcast_ref::<DatasetError>() {
        return Some(dataset_hint(dataset));
    }
    match error.downcast_ref::<EvalError>() {
        Some(EvalError::Dataset(dataset)) => return Some(dataset_hint(dataset)),
        Some(_) => {
            return Some("`rrm eval --list` says what each benchmark holds, docs/eval.md how its files are read".to_owned());
        }
        None => {}
    }
    let io = error.chain().find_map(|cause| cause.downcast_ref::<io::Error>());
    let hint = match io.map(io::Error::kind) {
        Some(io::ErrorKind::StorageFull) => "make room on the disk and run again; what was answered is in the store",
        Some(io::ErrorKind::NotFound) if error.chain().any(|cause| cause.to_string().starts_with("cannot write")) => {
            "check the path; folders are not created"
        }
        Some(io::ErrorKind::NotFound) => "check the path",
        Some(io::ErrorKind::PermissionDenied) => "the file or its folder is not yours to read or write",
        _ if error.chain().any(|cause| cause.is::<ColumnError>()) => "docs/formats.md says how columns are named",
        _ => return None,
    };
    Some(hint.to_owned())
}

fn dataset_hint(error: &DatasetError) -> String {
    let problem = match error {
        // An error in the first row shows what kind of file it is.
        DatasetError::Row { problem: RowProblem::Count { found: 1, exactly: false, .. }, row: 1, .. } => {
            return format!("where a row holds one answer of one model, {JOIN}");
        }
        DatasetError::Row { problem, .. } => problem,
        DatasetError::Missing { .. } => return "check the path; `-` reads from stdin".to_owned(),
        DatasetError::Labels { .. } => {
            return "write one of the two; --column label=COLUMN:FIRST,SECOND,TIE says which values mean what".to_owned();
        }
        DatasetError::Damaged { .. } => return "the file was cut off or changed on its way; copy it again".to_owned(),
        _ => return "docs/formats.md describes what files may look like".to_owned(),
    };
    match problem {
        RowProblem::NoColumn { wanted, present, .. } if wanted.starts_with("`responses`") && is_one_answer(present) => {
            format!("a row holds one answer of one model: {JOIN}; --column responses=A,B names the columns of two responses")
        }
        RowProblem::NoColumn { wanted, .. } if wanted.starts_with("`responses`") => {
            "--column responses=A,B names the columns of two responses, --column responses=LIST one that holds all of them; docs/formats.md has examples"
                .to_owned()
        }
        RowProblem::NoColumn { wanted, nearest: Some(nearest), .. } => {
            // `prompt`, or a column that was named for it: `Question` (for `prompt`).
            let field = wanted.split_once("(for `").map_or(wanted.as_str(), |(_, field)| field);
            match field.trim_matches(|c| "`)".contains(c)) {
                "responses" => format!("`{nearest}` has the nearest name; --column responses=A,B names the columns of two responses"),
                field => format!("--column {field}={nearest} reads that column"),
            }
        }
        RowProblem::NoColumn { .. } => "--column NAME=COLUMN names the columns; docs/formats.md has examples".to_owned(),
        RowProblem::DoubledId { .. } => "give each row its own id, or number the rows: --column id=".to_owned(),
        RowProblem::Label { .. } | RowProblem::TwoLabels { .. } => {
            "--column label=COLUMN:FIRST,SECOND,TIE says which values mean the first, the second and neither".to_owned()
        }
        RowProblem::Count { exactly: true, .. } => "`rrm judge` takes pairs; `rrm rank` takes any number of responses".to_owned(),
        _ => MEND.to_owned(),
    }
}

/// The hint for a row that cannot be used.
const MEND: &str = "nothing was judged; mend the row and run again (docs/formats.md describes rows)";

/// The hint to join answers of several rows.
const JOIN: &str = "`rrm rank` and `rrm judge` put answers together whose rows say the same in a column: --join COLUMN";

/// Whether the columns of a row, separated by commas, are those of a single answer: as in files of FastChat, Arena-Hard and AlpacaEval, or with a
/// column `response`.
fn is_one_answer(present: &str) -> bool {
    let has = |names: &[&str]| present.split(", ").any(|name| names.contains(&name));
    has(&["response", "answer", "completion", "output", "choices"])
        && (has(&["model", "model_id", "model_name", "generator"]) || has(&["response"]))
}

fn unreachable_hint(engine: &str) -> String {
    let hint =
        "is the server up? `rrm doctor URL` tries it step by step; --wait-for-server SECONDS waits for one that is starting";
    // Requests to this machine do not use a proxy.
    let local = ["://127.", "://localhost", "://[::", "://0.0.0.0"].iter().any(|place| engine.contains(place));
    match proxy(engine.contains("https://")).filter(|_| !local) {
        Some(proxy) => {
            format!("{hint}. Requests to other machines go by the proxy of the environment, {proxy}; NO_PROXY=HOST leaves it out")
        }
        None => hint.to_owned(),
    }
}

fn engine_hint(error: &EngineError) -> Option<String> {
    let hint = match error {
        EngineError::Unreachable { detail, .. } if detail.contains("certificate") || detail.contains("TLS") => {
            "`rrm doctor URL` tries the server step by step"
        }
        EngineError::Unreachable { engine, .. } => return Some(unreachable_hint(engine)),
        EngineError::OtherWeights { .. } => {
            "--revision NAME names other weights, which are asked anew; --same-weights goes on, if the weights are the same"
        }
        EngineError::Limit { .. } => {
            "allow more calls: identifying a server takes 12 to 20 requests, once for each store, or some 7 where --revision names the weights"
        }
        EngineError::Unauthorized { .. } => {
            "export the key as RRM_API_KEY, or name the environment variable that holds it: --api-key-env NAME"
        }
        EngineError::TimedOut { .. } => {
            "raise --timeout, or lower --concurrency or --max-thinking-tokens; behind a gateway that waits for no long answer, --stream-replies"
        }
        EngineError::Unpaid { .. } => {
            "put money into the account at the service; what was answered is in the store, if there was one"
        }
        EngineError::TooLong { .. } | EngineError::DoesNotFit { .. } => {
            "shorten the responses, lower --max-tokens, or give the model a larger context"
        }
        EngineError::Status { status: 404, .. } => {
            "is --model one that the server lists, and the address right? It may be given whole, with /chat/completions at its end; `rrm doctor URL` tries both"
        }
        EngineError::Unsupported { .. } => "`rrm doctor URL` shows what the server can do",
        EngineError::NotRecorded { .. } => "a replay answers only what was recorded, with the same format, settings and seed",
        _ => return None,
    };
    Some(hint.to_owned())
}

/// Returns the proxy from the environment for `https://` or `http://`, without its password.
fn proxy(https: bool) -> Option<String> {
    let names = match https {
        true => ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"],
        false => ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"],
    };
    names.iter().find_map(|name| {
        let value = env::var(name).ok().filter(|value| !value.is_empty())?;
        // User and password stand before the last @.
        let place = value.rsplit('@').next().unwrap_or_default();
        Some(format!("{name}={place}"))
    })
}
