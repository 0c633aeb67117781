//! The formats of the judge, of DirectJudge, which states its verdict without thinking, and of the solver.

/// The format of the judge, which thinks before its verdict.
pub const JUDGE: &str = include_str!("../formats/judge.toml");
/// The format of DirectJudge, which states its verdict at once.
pub const DIRECT: &str = include_str!("../formats/direct.toml");
/// The format of the solver, which works the problem and judges nothing: it shows the prompt alone.
pub const SOLVER: &str = include_str!("../formats/solver.toml");
