//! What engines in process share: messages -> the runs of a prompt, logits -> a token, the bytes of tokens -> text.
//!
//! A [`ChatTemplate`] renders a conversation into [`TemplatePart`]s, [`runs`] cuts these where special tokens are meant, a [`Sampler`] draws
//! tokens, and a [`GrowingText`] gathers what they write. Nothing here knows a model or a tokenizer.

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
