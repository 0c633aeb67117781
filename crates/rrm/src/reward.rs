//! What a judge wrote about a labelled comparison -> its reward in training.
//!
//! The rule is that of the paper (Reward Reasoning Models, arXiv 2505.14674, section 2.2): +1 for the labelled verdict, -1 otherwise, and
//! nothing looks at the reasoning. Everything else is an option, and off unless asked for.

use serde::{Deserialize, Serialize};

use crate::{
    comparison::{Comparison, Side},
    engine::{Completion, Opening},
    format::FormatFile,
    transcript::{self, Transcript, VerdictPlace},
    verdict::{self, Abstain, Verdict},
};

/// The labelled verdict's reward (paper, section 2.2).
pub const RIGHT: f32 = 1.0;
/// The reward of any other verdict (paper, section 2.2).
pub const WRONG: f32 = -1.0;

/// The weights of a reward besides the verdict.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RewardConfig {
    /// The reward of a completion without a verdict. The paper's rule makes it that of a wrong one; lower teaches to state a verdict at
    /// all, higher teaches to abstain when in doubt.
    pub abstain: f32,
    /// Added for a completion that keeps to its format, whatever its verdict (the format reward of DeepSeek-R1, arXiv 2501.12948): see
    /// [`GradedVote::well_formed`].
    pub format: f32,
    /// Whether a verdict counts as right only if the one about the other order, in the same batch, is right as well (J1, arXiv
    /// 2505.10320). A judge that looks at the place instead of the response then earns nothing.
    pub consistency: bool,
}

impl Default for RewardConfig {
    /// The paper's rule alone.
    fn default() -> Self {
        RewardConfig { abstain: WRONG, format: 0.0, consistency: false }
    }
}

/// The vote of a completion and whether it was well formed, as rewards need them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GradedVote {
    /// Its verdict about what was shown, read as in judging.
    pub vote: Result<Verdict, Abstain>,
    /// Whether it ended by itself, has thoughts where its format has them, closed them once, and states one label, once, as the format writes
    /// it: other wordings are read as verdicts and are no form to be taught.
    pub well_formed: bool,
}

/// Reads a completion by the same rules as judging does, where nothing is known of what was judged.
pub fn grade(completion: &Completion, format: &FormatFile) -> GradedVote {
    let transcript = transcript::split(completion, format.thinking.as_ref());
    GradedVote { vote: verdict::read(&transcript, &format.verdict), well_formed: well_formed(&transcript, format) }
}

/// The same for a completion about `comparison`, of a model of which it is known who opens its thinking: as judging reads it.
pub fn grade_about(completion: &Completion, format: &FormatFile, comparison: &Comparison, opening: Opening) -> GradedVote {
    let transcript = transcript::split_of(completion, format.thinking.as_ref(), opening);
    let vote = verdict::read_about(&transcript, &format.verdict, comparison);
    GradedVote { vote, well_formed: well_formed(&transcript, format) }
}

/// The reward of one completion about a comparison whose better response is `label`.
pub fn reward(config: &RewardConfig, graded: GradedVote, label: Side) -> f32 {
    of_verdict(config, graded.vote, is_right(graded.vote, label)) + of_format(config, graded)
}

/// The rewards of the completions about a comparison and of those about the same comparison in the other order. `label` is the better
/// response in the first order.
///
/// With `consistency`, number i of one order is right only together with number i of the other one. A completion without a verdict earns
/// `abstain`; one that is right and whose twin is not earns what a wrong one does. Without `consistency` each stands for itself.
///
/// # Panics
/// When the orders do not have equally many completions and `consistency` is asked for.
pub fn rewards_of_both_orders(config: &RewardConfig, orders: [&[GradedVote]; 2], label: Side) -> [Vec<f32>; 2] {
    let labels = [label, label.other()];
    if !config.consistency {
        let alone = |order: usize| orders[order].iter().map(|graded| reward(config, *graded, labels[order])).collect();
        return [alone(0), alone(1)];
    }
    assert_eq!(orders[0].len(), orders[1].len(), "completions without a twin");
    let twins = orders[0].iter().zip(orders[1]);
    let rewards = twins.map(|(first, second)| {
        let right = is_right(first.vote, labels[0]) && is_right(second.vote, labels[1]);
        let of = |graded: GradedVote| of_verdict(config, graded.vote, right) + of_format(config, graded);
        (of(*first), of(*second))
    });
    let (first, second) = rewards.unzip();
    [first, second]
}

/// Whether a vote is the labelled verdict.
pub fn is_right(vote: Result<Verdict, Abstain>, label: Side) -> bool {
    vote == Ok(Verdict::from(label))
}

fn of_verdict(config: &RewardConfig, vote: Result<Verdict, Abstain>, right: bool) -> f32 {
    match vote {
        Err(_) => config.abstain,
        Ok(_) if right => RIGHT,
        Ok(_) => WRONG,
    }
}

fn of_format(config: &RewardConfig, graded: GradedVote) -> f32 {
    if graded.well_formed { config.format } else { 0.0 }
}

fn well_formed(transcript: &Transcript, format: &FormatFile) -> bool {
    let thought = format.thinking.as_ref().is_none_or(|markers| {
        let marked = |text: &str| text.contains(&markers.open) || text.contains(&markers.close);
        !transcript.thinking.is_empty() && !marked(&transcript.thinking) && !marked(&transcript.answer)
    });
    let stated: usize = format.verdict.stated().iter().map(|stated| transcript.answer.matches(stated).count()).sum();
    thought && transcript.closed && !transcript.truncated && transcript.place != VerdictPlace::End && stated == 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        engine::{Finish, Usage},
        format::Format,
        verdict::Abstain,
    };

    const FIRST: GradedVote = GradedVote { vote: Ok(Verdict::First), well_formed: true };
    const SECOND: GradedVote = GradedVote { vote: Ok(Verdict::Second), well_formed: true };
    const NONE: GradedVote = GradedVote { vote: Err(Abstain::NoVerdict), well_formed: false };

    fn graded(text: &str, finish: Finish) -> GradedVote {
        let format = Format::shipped("rrm").unwrap();
        let (usage, text) = (Usage::default(), text.to_owned());
        grade(&Completion { text, reasoning: None, finish, elicited: false, usage, label_logprobs: None }, &format.file)
    }

    #[test]
    fn the_rule_of_the_paper_is_the_default() {
        let config = RewardConfig::default();
        let tie = GradedVote { vote: Ok(Verdict::Tie), well_formed: true };
        let all = [FIRST, SECOND, tie, NONE].map(|graded| reward(&config, graded, Side::First));
        assert_eq!(all, [1.0, -1.0, -1.0, -1.0]);
        assert_eq!(reward(&config, SECOND, Side::Second), 1.0);
    }

    #[test]
    fn options_change_what_they_name() {
        let config = RewardConfig { abstain: -1.5, format: 0.25, consistency: false };
        let all = [FIRST, SECOND, NONE].map(|graded| reward(&config, graded, Side::Second));
        assert_eq!(all, [-0.75, 1.25, -1.5]);
    }

    #[test]
    fn with_consistency_twins_are_right_together_or_not_at_all() {
        let config = RewardConfig { abstain: -2.0, format: 0.5, consistency: true };
        // Right in both orders; always the first place; right and without a verdict; wrong in both.
        let orders: [&[GradedVote]; 2] = [&[FIRST, FIRST, FIRST, SECOND], &[SECOND, FIRST, NONE, FIRST]];
        let rewards = rewards_of_both_orders(&config, orders, Side::First);
        assert_eq!(rewards, [vec![1.5, -0.5, -0.5, -0.5], vec![1.5, -0.5, -2.0, -0.5]]);
        let alone = rewards_of_both_orders(&RewardConfig { consistency: false, ..config }, orders, Side::First);
        assert_eq!(alone, [vec![1.5, 1.5, 1.5, -0.5], vec![1.5, -0.5, -2.0, -0.5]]);
    }

    #[test]
    fn a_completion_is_read_as_in_judging_and_its_form_is_another_matter() {
        let stop = |text: &str| graded(text, Finish::Stop);
        assert_eq!(stop("<think>a</think>\n\\boxed{Assistant 1}"), FIRST);
        let twice = stop("<think>a</think>\\boxed{Assistant 2} or rather \\boxed{Assistant 1}");
        assert_eq!(twice, GradedVote { vote: Ok(Verdict::First), well_formed: false });
        assert!(!stop("<think></think>\\boxed{Assistant 1}").well_formed);
        assert!(!stop("<think>a</think>b</think>\\boxed{Assistant 1}").well_formed);
        assert!(!stop("<think>a \\boxed{Assistant 1}").well_formed);
        for other in [
            "<think>a</think>\\boxed{\\text{Assistant 1}}",
            "<think>a</think>\\boxed{Assistant 1}</think>",
            "[THINK]a[/THINK]\\boxed{1}",
        ] {
            assert_eq!(stop(other), GradedVote { vote: Ok(Verdict::First), well_formed: false }, "{other}");
        }
        let cut = graded("<think>a</think>\\boxed{Assistant 1}", Finish::Length);
        assert_eq!(cut, GradedVote { vote: Err(Abstain::Truncated), well_formed: false });
    }

    #[test]
    fn unknown_options_are_refused() {
        assert_eq!(toml::from_str::<RewardConfig>("").unwrap(), RewardConfig::default());
        assert!(toml::from_str::<RewardConfig>("right = 2").is_err());
    }
}
