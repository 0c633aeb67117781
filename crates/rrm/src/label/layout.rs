//! A preference -> the columns that trainers read, and its evidence in columns that they ignore.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::Preference;
use crate::{
    chat::Role,
    dataset::Item,
    engine::{EngineInfo, Usage},
    spending::Price,
};

/// A row of the output, with its columns in order.
pub type OutputRow = Map<String, Value>;

/// The layout of written preferences; docs/label.md says which tool reads which.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PreferenceLayout {
    /// `prompt`, `chosen`, `rejected` as lists of messages: TRL, OpenRLHF with a prompt key.
    #[default]
    Dpo,
    /// `prompt`, `completion` as lists of messages, and `label`: TRL. Two rows for each preference.
    Kto,
    /// `chosen`, `rejected` as whole conversations: reward models of TRL and OpenRLHF, axolotl's `argilla_chat`.
    Reward,
    /// `messages`, and `chosen`, `rejected` as one message each: axolotl's `chat_template.default`, LLaMA-Factory's rankings.
    Messages,
    /// `messages` with the response as the last one, and `label`: LLaMA-Factory. Two rows for each preference.
    MessagesKto,
    /// `prompt`, `chosen`, `rejected` as texts; prompts of one user's turn only.
    Text,
    /// `prompt`, `completion` as texts, and `label`; prompts of one user's turn only. Two rows for each preference.
    TextKto,
}

/// The type of a column. Only columns of types whose names begin with `Maybe` can be null.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnType {
    /// Text.
    Text,
    /// True or false.
    Flag,
    /// A whole number.
    Count,
    /// A number.
    Number,
    /// A whole number, or null.
    MaybeCount,
    /// A number, or null.
    MaybeNumber,
    /// A message: `role` and `content`.
    Turn,
    /// A list of messages.
    Turns,
}

/// The judge, the format and the price; they are the same in all rows of a file.
#[derive(Clone, Debug, PartialEq)]
pub struct PreferenceSource {
    /// The judge's name without its address, which may differ between machines.
    pub judge: String,
    /// The name of its format.
    pub format: String,
    /// Price of tokens.
    pub price: Price,
}

impl PreferenceSource {
    /// Returns the source for the judge behind an engine.
    pub fn new(engine: &EngineInfo, format: &str, price: Price) -> Self {
        let judge = engine.name.split(" at ").next().unwrap_or_default().to_owned();
        PreferenceSource { judge, format: format.to_owned(), price }
    }
}

impl PreferenceLayout {
    /// Returns whether prompts must be a single turn of the user.
    pub fn is_text(self) -> bool {
        matches!(self, PreferenceLayout::Text | PreferenceLayout::TextKto)
    }

    /// Returns the columns in their order.
    pub fn schema(self, provenance: bool) -> Vec<(&'static str, ColumnType)> {
        let read = match self {
            PreferenceLayout::Dpo => {
                [("prompt", ColumnType::Turns), ("chosen", ColumnType::Turns), ("rejected", ColumnType::Turns)].as_slice()
            }
            PreferenceLayout::Kto => {
                &[("prompt", ColumnType::Turns), ("completion", ColumnType::Turns), ("label", ColumnType::Flag)]
            }
            PreferenceLayout::Reward => &[("chosen", ColumnType::Turns), ("rejected", ColumnType::Turns)],
            PreferenceLayout::Messages => {
                &[("messages", ColumnType::Turns), ("chosen", ColumnType::Turn), ("rejected", ColumnType::Turn)]
            }
            PreferenceLayout::MessagesKto => &[("messages", ColumnType::Turns), ("label", ColumnType::Flag)],
            PreferenceLayout::Text => {
                &[("prompt", ColumnType::Text), ("chosen", ColumnType::Text), ("rejected", ColumnType::Text)]
            }
            PreferenceLayout::TextKto => {
                &[("prompt", ColumnType::Text), ("completion", ColumnType::Text), ("label", ColumnType::Flag)]
            }
        };
        let beside = if provenance { &PROVENANCE[..] } else { &[] };
        read.iter().chain(beside).copied().collect()
    }

    /// Returns the rows of one preference: one, or for KTO two, the chosen response first.
    pub fn rows(self, item: &Item, preference: &Preference, source: Option<&PreferenceSource>) -> Vec<OutputRow> {
        let text = |response: usize| Value::from(&*item.responses[response].text);
        let turn = |response: usize| json!({"role": Role::Assistant, "content": text(response)});
        let prompt = json!(item.prompt.messages);
        let question = || Value::from(item.prompt.messages.last().map_or("", |turn| turn.content.as_str()));
        let whole = |response: usize| {
            let mut turns = item.prompt.messages.iter().map(|turn| json!(turn)).collect::<Vec<_>>();
            turns.push(turn(response));
            Value::from(turns)
        };
        let (a, b) = (preference.chosen, preference.rejected);
        let sides = [(a, true), (b, false)];
        let values: Vec<Vec<Value>> = match self {
            PreferenceLayout::Dpo => vec![vec![prompt, json!([turn(a)]), json!([turn(b)])]],
            PreferenceLayout::Kto => sides.map(|(side, label)| vec![prompt.clone(), json!([turn(side)]), label.into()]).into(),
            PreferenceLayout::Reward => vec![vec![whole(a), whole(b)]],
            PreferenceLayout::Messages => vec![vec![prompt, turn(a), turn(b)]],
            PreferenceLayout::MessagesKto => sides.map(|(side, label)| vec![whole(side), label.into()]).into(),
            PreferenceLayout::Text => vec![vec![question(), text(a), text(b)]],
            PreferenceLayout::TextKto => sides.map(|(side, label)| vec![question(), text(side), label.into()]).into(),
        };
        let beside = source.map(|source| provenance(item, preference, source)).unwrap_or_default();
        let names = self.schema(source.is_some());
        let row = |values: Vec<Value>| {
            let named = names.iter().zip(values.into_iter().chain(beside.iter().cloned()));
            named.map(|((name, _), value)| ((*name).to_owned(), value)).collect()
        };
        values.into_iter().map(row).collect()
    }
}

/// All begin with `rrm_`: trainers use a column `margin` in their loss, and the names `id` or `label` for themselves.
const PROVENANCE: [(&str, ColumnType); 12] = [
    ("rrm_id", ColumnType::Text),
    ("rrm_chosen", ColumnType::Count),
    ("rrm_rejected", ColumnType::Count),
    ("rrm_margin", ColumnType::Number),
    ("rrm_agreement", ColumnType::Number),
    ("rrm_votes", ColumnType::Count),
    ("rrm_abstained", ColumnType::Count),
    ("rrm_judge", ColumnType::Text),
    ("rrm_format", ColumnType::Text),
    ("rrm_prompt_tokens", ColumnType::Count),
    ("rrm_completion_tokens", ColumnType::Count),
    ("rrm_cost", ColumnType::Number),
];

fn provenance(item: &Item, preference: &Preference, source: &PreferenceSource) -> Vec<Value> {
    let evidence = preference.evidence;
    let usage = Usage { prompt_tokens: evidence.prompt_tokens, completion_tokens: evidence.completion_tokens };
    vec![
        item.id.clone().into(),
        preference.chosen.into(),
        preference.rejected.into(),
        evidence.margin.into(),
        evidence.agreement.into(),
        evidence.votes.into(),
        evidence.abstained.into(),
        source.judge.clone().into(),
        source.format.clone().into(),
        usage.prompt_tokens.into(),
        usage.completion_tokens.into(),
        source.price.of(usage).into(),
    ]
}
