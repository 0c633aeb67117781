//! The setting `model` of a training configuration: a folder, or a shape, a vocabulary and the distribution of initial weights.

use std::{fmt, path::PathBuf};

use serde::{
    Deserialize, Deserializer, Serialize,
    de::{MapAccess, Visitor, value::MapAccessDeserializer},
};

use crate::train::weights::TrainedWeights;

/// The model to train.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum ModelSource {
    /// A Hugging Face folder with weights.
    Folder(PathBuf),
    /// A model with random initial weights.
    Fresh(FreshModel),
}

/// A model to train from random weights.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FreshModel {
    /// A `config.json` with the shape.
    pub config: PathBuf,
    /// The folder of `tokenizer.json` and related files.
    pub tokenizer: PathBuf,
    /// The distribution of initial weights.
    #[serde(default)]
    pub init: InitConfig,
}

/// The standard deviations of initial weights. Matrices are normal with mean 0; norms are 1 and biases 0.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct InitConfig {
    /// Standard deviation of the embedding.
    pub embedding: f64,
    /// Standard deviation of the output layer, if it is not the embedding.
    pub head: f64,
    /// Standard deviation of linear layers, multiplied by the square root of their inputs.
    pub linear: f64,
    /// The same for the two layers that write into the residual stream (`o_proj`, `down_proj`), multiplied by the square root of twice the number of
    /// layers, too.
    pub output_projections: f64,
}

impl Default for InitConfig {
    /// Embedding and head: measured on the miniature model, which learnt no arithmetic with a small embedding. Linear layers preserve the variance of
    /// their inputs. GPT-2's scaling of layers that write into the residual stream preserves that of the stream.
    fn default() -> Self {
        InitConfig { embedding: 0.5, head: 0.02, linear: 1.0, output_projections: 1.0 }
    }
}

impl InitConfig {
    /// Scales weights that were drawn with a standard deviation of 1 to these standard deviations.
    pub(in crate::train) fn scale(&self, weights: &mut TrainedWeights) {
        let layers = weights.config().num_hidden_layers as f64;
        for view in weights.views().to_vec() {
            let [_, inputs] = view.shape[..] else { continue };
            let std = match view.name.as_str() {
                "model.embed_tokens.weight" => self.embedding,
                "lm_head.weight" => self.head,
                name if name.ends_with("o_proj.weight") || name.ends_with("down_proj.weight") => {
                    self.output_projections / (inputs as f64 * 2.0 * layers).sqrt()
                }
                _ => self.linear / (inputs as f64).sqrt(),
            };
            weights.trainable_mut()[view.range].iter_mut().for_each(|weight| *weight *= std as f32);
        }
    }
}

// Written by hand because the error of an untagged enum would not name the wrong key.
impl<'de> Deserialize<'de> for ModelSource {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = ModelSource;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the path of a model's folder, or a table with `config` and `tokenizer`")
            }

            fn visit_str<E>(self, path: &str) -> Result<ModelSource, E> {
                Ok(ModelSource::Folder(path.into()))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<ModelSource, A::Error> {
                FreshModel::deserialize(MapAccessDeserializer::new(map)).map(ModelSource::Fresh)
            }
        }
        deserializer.deserialize_any(Either)
    }
}
