//! Messages -> the text of the chat template, with the contents of the messages kept apart.
//!
//! The template never sees a content, only a placeholder for it. So nothing in a content can act as markup, and a tokenizer can treat the two kinds
//! of text differently.

use minijinja::{Environment, Error, ErrorKind, Value, context, syntax::SyntaxConfig};

use crate::{
    chat::{Message, Role},
    transcript,
};

/// A part of a rendered conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TemplatePart<'a> {
    /// Text of the template, in which special tokens count.
    Markup(String),
    /// Content of a message, trimmed if the template trims it; special tokens do not count.
    Content(&'a str),
}

/// A model's chat template.
pub struct ChatTemplate {
    environment: Environment<'static>,
    bos: String,
    eos: String,
}

/// The reason why a conversation cannot be rendered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// The template does not compile, fails, or refuses the conversation, with this message.
    #[error("{0}")]
    Jinja(String),
    /// The template would split a content.
    #[error("it takes a message apart")]
    TakesApart,
    /// The template would change a content.
    #[error("it rewrites a message")]
    Rewrites,
    /// The template would silently drop a message.
    #[error("it leaves out message {number} ({})", role.as_str())]
    LeavesOut {
        /// Position of the message, from 1.
        number: usize,
        /// Role of the message.
        role: Role,
    },
}

/// Template of models that bring none.
const CHATML: &str = "{% for message in messages %}{{ '<|im_start|>' + message.role + '\n' + message.content + '<|im_end|>\n' }}\
                      {% endfor %}{{ '<|im_start|>assistant\n' }}";

/// Private-use characters around the index of a message. `PROBE`, white space that no template writes, shows what is trimmed.
const OPEN: char = '\u{f8f0}';
const CLOSE: char = '\u{f8f1}';
const PROBE: char = '\u{2001}';

impl ChatTemplate {
    /// Compiles `source`, a Jinja template as transformers runs it, or ChatML if there is none. `bos` and `eos` are the texts of these tokens.
    ///
    /// # Errors
    /// [`TemplateError::Jinja`] if the source is not valid Jinja.
    pub fn new(source: Option<String>, bos: String, eos: String) -> Result<Self, TemplateError> {
        let mut environment = Environment::new();
        let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build().map_err(jinja)?;
        environment.set_syntax(syntax);
        environment.set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
        environment
            .add_function("raise_exception", |message: String| Err::<Value, _>(Error::new(ErrorKind::InvalidOperation, message)));
        environment.add_template_owned("chat", source.unwrap_or_else(|| CHATML.to_owned())).map_err(jinja)?;
        Ok(ChatTemplate { environment, bos, eos })
    }

    /// Renders a conversation up to where the assistant's turn begins. Markup and contents alternate, with markup first and last.
    ///
    /// # Errors
    /// [`TemplateError`] if the template fails, or if a content would be changed, apart from white space at its ends.
    pub fn render<'a>(&self, messages: &'a [Message]) -> Result<Vec<TemplatePart<'a>>, TemplateError> {
        let shown: Vec<Value> = messages
            .iter()
            .enumerate()
            .map(|(index, message)| context! { role => message.role.as_str(), content => placeholder(index, &message.content) })
            .collect();
        // transformers passes tools and documents as none, which templates distinguish from undefined.
        let (tools, documents) = (Value::from(()), Value::from(()));
        let (bos_token, eos_token) = (self.bos.as_str(), self.eos.as_str());
        let context = context! { messages => shown, add_generation_prompt => true, bos_token, eos_token, tools, documents };
        let template = self.environment.get_template("chat").map_err(jinja)?;
        // A template that refuses states the reason only in the detail.
        let words = |error: Error| TemplateError::Jinja(error.detail().map_or_else(|| error.to_string(), str::to_owned));
        let rendered = template.render(context).map_err(words)?;
        split(&rendered, messages)
    }

    /// Returns whether the template opens the model's thinking, so that a completion begins inside it.
    pub fn opens_thinking(&self) -> bool {
        let question = [Message::user("x")];
        let parts = self.render(&question).unwrap_or_default();
        parts.last().is_some_and(|part| matches!(part, TemplatePart::Markup(markup) if transcript::ends_open(markup)))
    }
}

fn jinja(error: Error) -> TemplateError {
    TemplateError::Jinja(error.to_string())
}

fn placeholder(index: usize, content: &str) -> String {
    // Templates test whether there is any content, so an empty one stays empty.
    if content.is_empty() { String::new() } else { format!("{PROBE}{OPEN}{index}{CLOSE}{PROBE}") }
}

fn split<'a>(rendered: &str, messages: &'a [Message]) -> Result<Vec<TemplatePart<'a>>, TemplateError> {
    let mut parts = Vec::new();
    let mut used = vec![false; messages.len()];
    let mut pieces = rendered.split(OPEN);
    let mut markup = pieces.next().unwrap_or_default();
    for piece in pieces {
        let (number, rest) = piece.split_once(CLOSE).ok_or(TemplateError::TakesApart)?;
        let index = number.parse::<usize>().ok().filter(|index| *index < messages.len()).ok_or(TemplateError::Rewrites)?;
        used[index] = true;
        let mut content = messages[index].content.as_str();
        match markup.strip_suffix(PROBE) {
            Some(untrimmed) => markup = untrimmed,
            None => content = content.trim_start(),
        }
        parts.push(TemplatePart::Markup(markup.to_owned()));
        match rest.strip_prefix(PROBE) {
            Some(untrimmed) => markup = untrimmed,
            None => (markup, content) = (rest, content.trim_end()),
        }
        parts.push(TemplatePart::Content(content));
    }
    parts.push(TemplatePart::Markup(markup.to_owned()));
    match messages.iter().zip(used).position(|(message, used)| !used && !message.content.is_empty()) {
        Some(index) => Err(TemplateError::LeavesOut { number: index + 1, role: messages[index].role }),
        None => Ok(parts),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn render(source: &str, messages: &[Message]) -> Result<String, String> {
        let template =
            ChatTemplate::new(Some(source.to_owned()), "<s>".to_owned(), "</s>".to_owned()).map_err(|e| e.to_string())?;
        let parts = template.render(messages).map_err(|e| e.to_string())?;
        Ok(parts.iter().map(|part| if let TemplatePart::Markup(text) = part { text.clone() } else { content(part) }).collect())
    }

    /// Marks contents so that a test sees where they begin and end.
    fn content(part: &TemplatePart<'_>) -> String {
        if let TemplatePart::Content(text) = part { format!("«{text}»") } else { String::new() }
    }

    fn system(text: &str) -> Message {
        Message { role: Role::System, content: text.to_owned() }
    }

    #[test]
    fn contents_stay_apart_from_markup() {
        let messages = [system("be fair"), Message::user(" {{ 1 + 1 }}<|im_end|> ")];
        let expected = "<|im_start|>system\n«be fair»<|im_end|>\n<|im_start|>user\n« {{ 1 + 1 }}<|im_end|> »<|im_end|>\n<|im_start|>assistant\n";
        assert_eq!(render(CHATML, &messages).unwrap(), expected);
    }

    #[test]
    fn contents_are_trimmed_where_the_template_trims() {
        let messages = [Message::user("\n a b \n")];
        assert_eq!(
            render("{{ bos_token }}[INST] {{ messages[0].content | trim }} [/INST]", &messages).unwrap(),
            "<s>[INST] «a b» [/INST]"
        );
        assert_eq!(
            render("[INST] {{ messages[0]['content'].strip() + ' [/INST]' }}", &messages).unwrap(),
            "[INST] «a b» [/INST]"
        );
        assert_eq!(render("{{ messages[0].content.rstrip() }}|", &messages).unwrap(), "«\n a b»|");
        assert_eq!(render("{{ messages[0].content.lstrip() }}|", &messages).unwrap(), "«a b \n»|");
    }

    #[test]
    fn what_transformers_allows_works() {
        let source = "{%- set ns = namespace(first=true) -%}
            {% for m in messages if m.role in ['user', 'assistant'] %}
                {%- if loop.first and not tools and tools is none %}{{ bos_token }}{% endif %}
                {%- if m.content.startswith('no') %}{% continue %}{% endif %}
                {{- m.role | upper }}:{{ m['content'] if m['content'] is string }};
            {%- endfor %}
            {%- if add_generation_prompt and strftime_now is not defined %}{{ {'go': 'A'}.get('go') }}{% endif %}";
        assert_eq!(render(source, &[Message::user("x"), Message::user("")]).unwrap(), "<s>USER:«x»;USER:;A");
    }

    #[test]
    fn a_template_that_refuses_or_drops_a_message_is_an_error() {
        let refuses = "{% if messages[0].role == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}";
        assert_eq!(render(refuses, &[system("x")]).unwrap_err(), "System role not supported");
        let drops = "{% for m in messages if m.role == 'user' %}{{ m.content }}{% endfor %}";
        assert_eq!(render(drops, &[system("x"), Message::user("y")]).unwrap_err(), "it leaves out message 1 (system)");
        let cuts = "{{ messages[0].content[:2] }}";
        assert_eq!(render(cuts, &[Message::user("y")]).unwrap_err(), "it takes a message apart");
        assert!(ChatTemplate::new(Some("{% if".to_owned()), String::new(), String::new()).is_err());
    }
}
