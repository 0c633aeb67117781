//! A comparison -> the messages that ask about it, rendered once for the votes that are prepared at the same time.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use super::{ComparisonId, JudgeError, Order};
use crate::{chat::Message, comparison::Comparison, format::Format};

/// A comparison whose votes are being asked for.
pub(super) struct Asking<'a> {
    pub id: ComparisonId<'a>,
    comparison: &'a Comparison,
    /// What was rendered, with `a` first and with `b` first, for as long as a vote holds it.
    rendered: Mutex<[Weak<Rendered>; 2]>,
}

/// A comparison as one order shows it, and the messages that ask about it.
pub(super) struct Rendered {
    pub shown: Arc<Comparison>,
    pub messages: Arc<[Message]>,
}

impl<'a> Asking<'a> {
    pub fn new(id: ComparisonId<'a>, comparison: &'a Comparison) -> Self {
        Asking { id, comparison, rendered: Default::default() }
    }

    /// The rendered comparison: the one that another vote holds, or else made now.
    pub fn rendered(&self, format: &Format, order: Order) -> Result<Arc<Rendered>, JudgeError> {
        let mut both = self.rendered.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = &mut both[usize::from(order == Order::Swapped)];
        if let Some(rendered) = kept.upgrade() {
            return Ok(rendered);
        }
        let shown = match order {
            Order::Given => self.comparison.clone(),
            Order::Swapped => self.comparison.swapped(),
        };
        let messages = format.messages(&shown).map_err(Arc::new)?.into();
        let rendered = Arc::new(Rendered { shown: Arc::new(shown), messages });
        *kept = Arc::downgrade(&rendered);
        Ok(rendered)
    }
}
