//! Shared parts of engines in process: messages -> the pieces of a prompt, logits -> a token, the bytes of tokens -> text.
//!
//! A [`ChatTemplate`] renders a conversation into [`TemplatePart`]s, [`runs`] cuts these at special tokens of the template, a [`Sampler`] draws
//! tokens, and a [`GrowingText`] collects their text. Nothing here depends on a model or a tokenizer.

mod prompt;
mod sample;
mod template;
mod text;

pub use self::{
    prompt::{PromptPiece, Special, looks_like_markup, runs},
    sample::Sampler,
    template::{ChatTemplate, TemplateError, TemplatePart},
    text::GrowingText,
};
