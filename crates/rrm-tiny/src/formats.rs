//! The formats of the judge, of DirectJudge, which states its verdict without thinking, and of the solver.

/// Thinks, then states its verdict.
pub const JUDGE: &str = include_str!("../formats/judge.toml");
/// States its verdict at once.
pub const DIRECT: &str = include_str!("../formats/direct.toml");
/// Works the problem and judges nothing: shows the prompt alone.
pub const SOLVER: &str = include_str!("../formats/solver.toml");
