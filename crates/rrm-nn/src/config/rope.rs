//! `rope_theta`, `rope_scaling`, `rope_parameters` of a configuration -> rotary frequencies, as transformers computes them.

use std::f64::consts::PI;

use super::{JsonFields, ModelConfigError};

/// The scaling of rotary frequencies.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum RopeScaling {
    /// No scaling.
    None,
    /// All positions are divided by `factor`.
    Linear {
        /// The divisor.
        factor: f64,
    },
    /// Llama 3: long wavelengths are divided by `factor`, short ones are kept, with a ramp between.
    Llama3 {
        /// The divisor.
        factor: f64,
        /// Wavelengths above `original_max_position_embeddings / low_freq_factor` are divided.
        low_freq_factor: f64,
        /// Wavelengths below `original_max_position_embeddings / high_freq_factor` are kept.
        high_freq_factor: f64,
        /// The number of positions before scaling.
        original_max_position_embeddings: f64,
    },
    /// YaRN (arXiv 2309.00071), as transformers computes it.
    Yarn {
        /// The divisor.
        factor: f64,
        /// The number of positions before scaling.
        original_max_position_embeddings: f64,
        /// Rotations above which a frequency is kept.
        beta_fast: f64,
        /// Rotations below which a frequency is divided.
        beta_slow: f64,
        /// Factor on cosines and sines; `None` means 0.1 ln(factor) + 1.
        attention_factor: Option<f64>,
    },
}

/// Reads base and scaling. transformers 5 keeps both in `rope_parameters`, earlier versions in `rope_theta` and `rope_scaling`.
pub(super) fn parse(root: &JsonFields<'_>, max_positions: usize) -> Result<(f64, RopeScaling), ModelConfigError> {
    // If both are present, transformers reads the older one.
    let name = ["rope_scaling", "rope_parameters"].into_iter().find(|name| root.get(name).is_some());
    let Some(name) = name else { return Ok((theta(root, None)?, RopeScaling::None)) };
    let Some(object) = root.get(name).and_then(serde_json::Value::as_object) else {
        return Err(root.error(name, "is no object"));
    };
    let fields = JsonFields { object, path: &format!("{name}.") };
    if let Some(nested) = object.iter().find(|(_, value)| value.is_object()) {
        return Err(fields.error(nested.0, "is an object: frequencies of their own for kinds of layers are not supported"));
    }
    for holder in [root, &fields] {
        if holder.number("partial_rotary_factor")?.is_some_and(|share| share != 1.0) {
            return Err(holder.error("partial_rotary_factor", "is not 1: heads that turn in part are not supported"));
        }
    }
    Ok((theta(root, Some(&fields))?, scaling(root, &fields, max_positions as f64)?))
}

fn theta(root: &JsonFields<'_>, nested: Option<&JsonFields<'_>>) -> Result<f64, ModelConfigError> {
    for fields in nested.into_iter().chain([root]) {
        match fields.number("rope_theta")? {
            Some(theta) if theta > 1.0 => return Ok(theta),
            Some(theta) => return Err(fields.error("rope_theta", &format!("is {theta}, not above 1"))),
            None => {}
        }
    }
    Ok(10_000.0)
}

fn scaling(root: &JsonFields<'_>, fields: &JsonFields<'_>, max_positions: f64) -> Result<RopeScaling, ModelConfigError> {
    let required = |name: &str| fields.positive(name)?.ok_or_else(|| fields.error(name, "is absent"));
    let named = if fields.get("rope_type").is_some() { "rope_type" } else { "type" };
    // transformers prefers the value beside the scaling object to the value inside.
    let original = || {
        let outer = root.positive("original_max_position_embeddings")?;
        Ok(outer.or(fields.positive("original_max_position_embeddings")?).unwrap_or(max_positions))
    };
    match fields.text(named)? {
        None | Some("default") => Ok(RopeScaling::None),
        Some("linear") => Ok(RopeScaling::Linear { factor: required("factor")? }),
        Some("llama3") => {
            let (low_freq_factor, high_freq_factor) = (required("low_freq_factor")?, required("high_freq_factor")?);
            if high_freq_factor <= low_freq_factor {
                return Err(fields.error("high_freq_factor", "is not above low_freq_factor"));
            }
            let (factor, original_max_position_embeddings) = (required("factor")?, original()?);
            Ok(RopeScaling::Llama3 { factor, low_freq_factor, high_freq_factor, original_max_position_embeddings })
        }
        Some("yarn") => yarn(fields, original()?, max_positions),
        Some(other) => {
            let what = format!("is {other:?}: only default, linear, llama3 and yarn are supported");
            Err(fields.error(named, &what))
        }
    }
}

fn yarn(fields: &JsonFields<'_>, original: f64, max_positions: f64) -> Result<RopeScaling, ModelConfigError> {
    if fields.get("truncate").is_some() && !fields.flag("truncate")? {
        return Err(fields.error("truncate", "is false, which is not supported"));
    }
    let factor = fields.positive("factor")?.unwrap_or(max_positions / original);
    // DeepSeek's pair of scales determines a factor of its own.
    let nonzero = |name: &str| Ok(fields.number(name)?.filter(|number| *number != 0.0));
    let from_scales = match (nonzero("mscale")?, nonzero("mscale_all_dim")?) {
        (Some(scale), Some(all)) => Some(attention_scale(factor, scale) / attention_scale(factor, all)),
        _ => None,
    };
    let attention_factor = fields.positive("attention_factor")?.or(from_scales);
    if attention_factor.is_some_and(|factor| !factor.is_finite()) {
        return Err(fields.error("mscale_all_dim", "makes an attention factor that is no number"));
    }
    Ok(RopeScaling::Yarn {
        factor,
        original_max_position_embeddings: original,
        beta_fast: fields.positive("beta_fast")?.unwrap_or(32.0),
        beta_slow: fields.positive("beta_slow")?.unwrap_or(1.0),
        attention_factor,
    })
}

fn attention_scale(factor: f64, scale: f64) -> f64 {
    if factor <= 1.0 { 1.0 } else { 0.1 * scale * factor.ln() + 1.0 }
}

/// Returns the angle per position of each pair of a head's dimensions, `(head_dim / 2,)`, and the factor on cosines and sines.
pub(super) fn frequencies(theta: f64, head_dim: usize, scaling: &RopeScaling) -> (Vec<f64>, f64) {
    let plain = (0..head_dim / 2).map(|pair| theta.powf(-2.0 * pair as f64 / head_dim as f64));
    match *scaling {
        RopeScaling::None => (plain.collect(), 1.0),
        RopeScaling::Linear { factor } => (plain.map(|frequency| frequency / factor).collect(), 1.0),
        RopeScaling::Llama3 { factor, low_freq_factor, high_freq_factor, original_max_position_embeddings } => {
            let stretch = |frequency: f64| {
                // Full turns within the original context.
                let turns = original_max_position_embeddings * frequency / (2.0 * PI);
                let kept = ((turns - low_freq_factor) / (high_freq_factor - low_freq_factor)).clamp(0.0, 1.0);
                (1.0 - kept) * frequency / factor + kept * frequency
            };
            (plain.map(stretch).collect(), 1.0)
        }
        RopeScaling::Yarn { factor, original_max_position_embeddings, beta_fast, beta_slow, attention_factor } => {
            // The index of the pair that makes this many turns within the original context (paper, section 3.2).
            let pair_of =
                |turns: f64| head_dim as f64 * (original_max_position_embeddings / (turns * 2.0 * PI)).ln() / (2.0 * theta.ln());
            let low = pair_of(beta_fast).floor().max(0.0);
            let high = pair_of(beta_slow).ceil().min(head_dim as f64 - 1.0);
            let width = if low == high { 0.001 } else { high - low };
            let stretch = |(pair, frequency): (usize, f64)| {
                let divided = ((pair as f64 - low) / width).clamp(0.0, 1.0);
                frequency / factor * divided + frequency * (1.0 - divided)
            };
            (plain.enumerate().map(stretch).collect(), attention_factor.unwrap_or_else(|| attention_scale(factor, 1.0)))
        }
    }
}
