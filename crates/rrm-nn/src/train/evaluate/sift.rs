//! Pairs x k sampled judgments of the base judge -> the pairs worth training on: those that it did not judge right k of k times.

use std::{fs, path::Path, sync::Arc};

use rrm::{engine::Engine, format::Format};

use super::{EvaluateConfig, HeldOut, judge, right, settings};
use crate::train::{TrainError, data::PairFilter};

/// Judges every pair `k` times by sampling, and keeps those that were not always judged right (the paper's filter, with k = 4).
///
/// # Errors
/// [`TrainError`] names the pair that could not be judged.
pub fn sift(
    engine: &Arc<dyn Engine>,
    format: &Arc<Format>,
    pairs: &HeldOut,
    config: &EvaluateConfig,
    k: u32,
) -> Result<Vec<PairFilter>, TrainError> {
    let judged = judge(engine, format, settings(config, k, config.sampling.temperature), pairs)?;
    let sifted = pairs.items.iter().zip(&judged).map(|(item, pair)| {
        let right = right(pair);
        PairFilter { id: item.id.clone(), right, of: k, kept: right < k }
    });
    Ok(sifted.collect())
}

/// Writes a filter file for [`PairFile::filter`](crate::train::data::PairFile::filter). The file appears whole or not at all.
///
/// # Errors
/// [`TrainError::File`].
pub fn write_sifted(path: &Path, sifted: &[PairFilter]) -> Result<(), TrainError> {
    let failed = |source| TrainError::File { file: path.to_owned(), source };
    let mut lines = Vec::new();
    for line in sifted {
        serde_json::to_writer(&mut lines, line).map_err(|error| failed(error.into()))?;
        lines.push(b'\n');
    }
    let mut aside = path.as_os_str().to_owned();
    aside.push(".part");
    fs::write(&aside, lines).and_then(|()| fs::rename(&aside, path)).map_err(failed)
}
