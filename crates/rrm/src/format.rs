//! A judge format, one TOML file: a comparison -> the messages that ask about it, and the pattern that reads a verdict from the answer.

mod shown;

use std::sync::Arc;

use minijinja::{AutoEscape, Environment, UndefinedBehavior, Value, syntax::SyntaxConfig, value::Object};
use serde::{Deserialize, Serialize};

use crate::{
    chat::{Message, Role, dialogue},
    comparison::{Comparison, Prompt},
    engine::{Budget, Labels},
    transcript::Thinking,
    verdict::VerdictPattern,
};

/// The content of a judge format's file; see docs/formats.md.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FormatFile {
    /// Name of the format, for reports.
    pub name: String,
    /// Whether it asks for a comparison, and so has to show both responses. A format that asks for something else, such as an answer, says false.
    #[serde(default = "yes")]
    pub compares: bool,
    /// Messages of the request; each content is a minijinja template.
    pub messages: Vec<Message>,
    /// Marks around the thinking; absent for judges that do not think.
    #[serde(default)]
    pub thinking: Option<Thinking>,
    /// Pattern by which an answer states its verdict.
    pub verdict: VerdictPattern,
    /// Elicitation of a verdict when the thinking budget is used up; absent if the format does not support one.
    #[serde(default)]
    pub elicit: Option<Elicitation>,
}

fn yes() -> bool {
    true
}

/// The settings for eliciting a verdict when the thinking budget runs out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Elicitation {
    /// Text that is appended while the thinking is still open; it closes the thinking.
    pub thinking: String,
    /// Text that is appended when no thinking is open.
    pub answer: String,
    /// Most tokens that may follow.
    pub max_verdict_tokens: u32,
    /// Stop strings: the verdict is complete where one of them appears.
    pub stop: Vec<String>,
}

/// A judge format that was read and checked.
#[derive(Debug)]
pub struct Format {
    /// The file's content.
    pub file: FormatFile,
    /// blake3 hash of the file's text, in hexadecimal. It is part of the address of every stored completion.
    pub hash: String,
    /// Headings and labels that are reported when a judged text holds them.
    pub markup: Vec<String>,
    labels: Arc<Labels>,
    templates: Environment<'static>,
    /// Whether the templates show both responses in every row, so that no row is checked for it.
    always_shows: bool,
}

/// The reason why a format file cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FormatError {
    /// No format of this name is shipped.
    #[error("no format {0} is shipped; shipped formats: {names}", names = names())]
    Unknown(String),
    /// The file is not TOML, or not that of a format.
    #[error("format {name}: {source}")]
    Toml {
        /// Name of the file or of the shipped format.
        name: String,
        /// Error of the parser, with its position.
        source: Box<toml::de::Error>,
    },
    /// A template does not parse or render.
    #[error("format {name}: template of message {message}: {source}")]
    Template {
        /// The format's name.
        name: String,
        /// Index of the message.
        message: usize,
        /// Error of the template engine, with its position.
        source: Box<minijinja::Error>,
    },
    /// The messages about a comparison do not hold one of its responses.
    #[error(
        "format {name}: the prompt for this row does not show {part} of {{{{ {variable} }}}}: a condition or a filter of the template leaves it \
         out, and a judge has to see both responses (`compares = false` is for formats that ask for something else)"
    )]
    Hidden {
        /// The format's name.
        name: String,
        /// Variable of the response.
        variable: &'static str,
        /// `all` or `a part`.
        part: &'static str,
    },
    /// Parts of the format contradict each other.
    #[error("format {name}: {what}")]
    Invalid {
        /// The format's name.
        name: String,
        /// Description of the contradiction and of what is expected.
        what: String,
    },
}

/// Name and file text of the shipped formats.
pub const SHIPPED: [(&str, &str); 3] = [
    ("rrm", include_str!("../formats/rrm.toml")),
    ("direct", include_str!("../formats/direct.toml")),
    ("arena-hard", include_str!("../formats/arena-hard.toml")),
];

fn names() -> String {
    SHIPPED.map(|(name, _)| name).join(", ")
}

impl Format {
    /// Returns a shipped format by its name, one of [`SHIPPED`].
    ///
    /// # Errors
    /// [`FormatError::Unknown`] when there is no such name.
    pub fn shipped(name: &str) -> Result<Self, FormatError> {
        let known = SHIPPED.iter().find(|(shipped, _)| *shipped == name);
        let (name, text) = known.ok_or_else(|| FormatError::Unknown(name.to_owned()))?;
        Format::parse(name, text)
    }

    /// Reads a format from the text of its file; errors call it `name`.
    ///
    /// # Errors
    /// [`FormatError`] if the TOML, a template or the verdict pattern cannot be used.
    pub fn parse(name: &str, text: &str) -> Result<Self, FormatError> {
        let file: FormatFile =
            toml::from_str(text).map_err(|e| FormatError::Toml { name: name.to_owned(), source: Box::new(e) })?;
        check(name, &file)?;
        let mut templates = Environment::new();
        templates.set_auto_escape_callback(|_| AutoEscape::None);
        templates.set_undefined_behavior(UndefinedBehavior::Strict);
        let syntax = SyntaxConfig::builder().keep_trailing_newline(true).build();
        templates.set_syntax(syntax.map_err(|e| FormatError::Template {
            name: name.to_owned(),
            message: 0,
            source: Box::new(e),
        })?);
        for (i, message) in file.messages.iter().enumerate() {
            templates.add_template_owned(i.to_string(), message.content.clone()).map_err(|e| FormatError::Template {
                name: name.to_owned(),
                message: i,
                source: Box::new(e),
            })?;
        }
        check_variables(name, &file, &templates)?;
        let labels = Arc::new(labels(&file));
        let markup = markup(&file);
        let (hash, always_shows) = (blake3::hash(text.as_bytes()).to_hex().to_string(), shown::always_shows(&file));
        Ok(Format { hash, file, markup, labels, templates, always_shows })
    }

    /// Checks that the messages show both responses, unless the format [compares](FormatFile::compares) none. A judge that is not shown a response
    /// would decide about a text that it has not seen.
    ///
    /// # Errors
    /// [`FormatError::Invalid`] names the variable of the response that is not shown; [`FormatError::Template`] if a template does not render.
    pub fn shows_both(&self) -> Result<(), FormatError> {
        // Letters and digits, which templates that remove blanks and signs leave alone.
        const SHOWN: [(&str, &str); 2] = [("response_1", "a1739b"), ("response_2", "c2846d")];
        if !self.file.compares {
            return Ok(());
        }
        let [(_, first), (_, second)] = SHOWN;
        let prompt = Arc::new(Prompt::text("e5061f"));
        let messages = self.rendered(&Comparison { prompt, first: first.into(), second: second.into(), label: None })?;
        for (variable, text) in SHOWN {
            if !messages.iter().any(|message| message.content.contains(text)) {
                let what = format!(
                    "its messages do not show {{{{ {variable} }}}}; a judge has to see both responses (`compares = false` is for formats that ask for something else)"
                );
                return Err(FormatError::Invalid { name: self.file.name.clone(), what });
            }
        }
        Ok(())
    }

    /// Returns the messages that ask for a judgment of this comparison.
    ///
    /// # Errors
    /// [`FormatError::Template`] if a template uses a value that this comparison does not have, and [`FormatError::Hidden`] if the messages do not
    /// hold both responses.
    pub fn messages(&self, comparison: &Comparison) -> Result<Vec<Message>, FormatError> {
        let messages = self.rendered(comparison)?;
        self.check_shown(comparison, &messages)?;
        Ok(messages)
    }

    fn rendered(&self, comparison: &Comparison) -> Result<Vec<Message>, FormatError> {
        let parts = Value::from_object(TemplateContext(comparison.clone()));
        let render = |i: usize, role: Role| Ok(Message { role, content: self.render(i, &parts)? });
        self.file.messages.iter().enumerate().map(|(i, m)| render(i, m.role)).collect()
    }

    /// Returns the texts that state a verdict in this format.
    pub fn labels(&self) -> Arc<Labels> {
        self.labels.clone()
    }

    /// Returns the thinking budget of a request, with the cut after `max_thinking_tokens`; `None` if the format has no elicitation.
    pub fn budget(&self, max_thinking_tokens: u32) -> Option<Budget> {
        let elicit = self.file.elicit.as_ref()?;
        let thinking = self.file.thinking.as_ref();
        Some(Budget {
            max_thinking_tokens,
            elicit: elicit.thinking.clone(),
            elicit_answer: elicit.answer.clone(),
            open: thinking.map_or_else(String::new, |t| t.open.clone()),
            close: thinking.map_or_else(String::new, |t| t.close.clone()),
            opened_by_template: thinking.is_some_and(|t| t.opened_by_template),
            max_verdict_tokens: elicit.max_verdict_tokens,
            stop: elicit.stop.clone(),
            verdicts: self.file.verdict.stated(),
            stop_at_verdict: false,
        })
    }

    fn render(&self, message: usize, parts: &Value) -> Result<String, FormatError> {
        self.templates
            .get_template(&message.to_string())
            .and_then(|template| template.render(parts))
            .map_err(|e| FormatError::Template { name: self.file.name.clone(), message, source: Box::new(e) })
    }
}

/// The values that templates can use. A value is made when a template asks for it, and texts of responses are not copied.
#[derive(Debug)]
struct TemplateContext(Comparison);

impl Object for TemplateContext {
    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Value> {
        let Comparison { prompt, first, second, label: _ } = &self.0;
        Some(match key {
            "prompt" => prompt_text(&prompt.messages).into(),
            "conversation" => conversation(&prompt.messages).into(),
            "response_1" => first.clone().into(),
            "response_2" => second.clone().into(),
            "rubric" => prompt.rubric.as_deref().into(),
            "reference" => prompt.reference.as_deref().into(),
            _ => return None,
        })
    }
}

/// Names of the variables of templates.
const VARIABLES: [&str; 6] = ["prompt", "conversation", "response_1", "response_2", "rubric", "reference"];

/// Refuses variables that do not exist, with the line of the message in which they are.
fn check_variables(name: &str, file: &FormatFile, templates: &Environment<'_>) -> Result<(), FormatError> {
    for (i, message) in file.messages.iter().enumerate() {
        let Ok(template) = templates.get_template(&i.to_string()) else { continue };
        let mut unknown: Vec<String> = template.undeclared_variables(false).into_iter().collect();
        unknown.retain(|variable| !VARIABLES.contains(&variable.as_str()));
        unknown.sort();
        if let Some(variable) = unknown.first() {
            let line = message.content.lines().position(|line| line.contains(variable.as_str())).map_or(1, |line| line + 1);
            let place = format!("message {i}, line {line}");
            let what = format!("{place}: there is no variable `{variable}`; the variables are {}", VARIABLES.join(", "));
            return Err(FormatError::Invalid { name: name.to_owned(), what });
        }
    }
    Ok(())
}

fn check(name: &str, file: &FormatFile) -> Result<(), FormatError> {
    let invalid = |what: &str| Err(FormatError::Invalid { name: name.to_owned(), what: what.to_owned() });
    let verdict = &file.verdict;
    match verdict.wrap.split_once("LABEL") {
        Some((before, after)) if !before.is_empty() && !after.is_empty() => {}
        _ => return invalid("verdict.wrap must hold LABEL with text on both sides, such as '\\boxed{LABEL}'"),
    }
    if file.messages.is_empty() {
        return invalid("messages is empty; at least one user message is expected");
    }
    if verdict.first.is_empty() || verdict.second.is_empty() {
        return invalid("verdict.first and verdict.second need at least one label each");
    }
    let mut labels: Vec<&String> = verdict.first.iter().chain(&verdict.second).chain(&verdict.tie).collect();
    labels.sort();
    if labels.iter().any(|l| l.trim().is_empty() || l.trim() != l.as_str()) {
        return invalid("a label of [verdict] is empty or begins or ends with a space");
    }
    if labels.windows(2).any(|w| w[0] == w[1]) {
        return invalid("the same label stands for two verdicts in [verdict]");
    }
    if file.thinking.as_ref().is_some_and(|t| t.open.is_empty() || t.close.is_empty()) {
        return invalid("thinking.open and thinking.close must not be empty; leave [thinking] out for judges that do not think");
    }
    if file.elicit.as_ref().is_some_and(|elicit| elicit.max_verdict_tokens == 0) {
        return invalid("elicit.max_verdict_tokens is 0, which leaves no room for a verdict; at least 1 is expected");
    }
    Ok(())
}

fn labels(file: &FormatFile) -> Labels {
    let verdict = &file.verdict;
    // If the chat template opens the thinking, an answer begins by closing it.
    let close = file.thinking.as_ref().filter(|t| t.opened_by_template).map_or("", |t| &t.close);
    let state = |label: &String| format!("{close}{}", verdict.wrap.replacen("LABEL", label, 1));
    Labels { first: state(&verdict.first[0]), second: state(&verdict.second[0]), tie: verdict.tie.first().map(state) }
}

/// Returns the texts that could make a response look like a part of the prompt or a verdict: headings, wrapped labels, marks of thinking.
fn markup(file: &FormatFile) -> Vec<String> {
    let lines = file.messages.iter().flat_map(|m| m.content.lines());
    let heading = |line: &&str| line.starts_with('#') || (line.starts_with("<|") && line.ends_with("|>"));
    let mut markup: Vec<String> = lines.filter(heading).map(|line| line.trim_end().to_owned()).collect();
    let verdict = &file.verdict;
    markup.extend(verdict.stated());
    markup.extend(file.thinking.iter().flat_map(|t| [t.open.clone(), t.close.clone()]));
    markup.sort();
    markup.dedup();
    markup
}

/// Returns the conversation for templates: a list of `role` and `content`.
fn conversation(messages: &[Message]) -> Vec<Value> {
    messages.iter().map(|m| Value::from_pairs([("role", m.role.as_str()), ("content", m.content.as_str())])).collect()
}

/// Returns the conversation as the text of the template value `prompt`: a single user turn is its own text, longer ones name the speakers.
fn prompt_text(messages: &[Message]) -> String {
    if let [Message { role: Role::User, content }] = messages {
        return content.clone();
    }
    dialogue(messages)
}
