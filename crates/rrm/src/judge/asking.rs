//! A comparison -> the messages that ask about it, rendered once for the votes that are prepared at the same time.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use super::{ComparisonId, JudgeError, Order};
use crate::{chat::Message, comparison::Comparison, format::Format};

/// A comparison whose votes are being collected.
pub(super) struct OpenComparison<'a> {
    pub id: ComparisonId<'a>,
    comparison: &'a Comparison,
    /// The rendered comparison with `a` first and with `b` first, for as long as a vote holds it.
    rendered: Mutex<[Weak<RenderedComparison>; 2]>,
}

/// A comparison in one order, with the messages for the judge.
pub(super) struct RenderedComparison {
    pub shown: Arc<Comparison>,
    pub messages: Arc<[Message]>,
}

impl<'a> OpenComparison<'a> {
    pub fn new(id: ComparisonId<'a>, comparison: &'a Comparison) -> Self {
        OpenComparison { id, comparison, rendered: Default::default() }
    }

    /// Returns the rendered comparison: the one that another vote holds, or a new one.
    pub fn rendered(&self, format: &Format, order: Order) -> Result<Arc<RenderedComparison>, JudgeError> {
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
        let rendered = Arc::new(RenderedComparison { shown: Arc::new(shown), messages });
        *kept = Arc::downgrade(&rendered);
        Ok(rendered)
    }
}
