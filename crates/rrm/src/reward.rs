//! A judge's completion about a labelled comparison -> its reward in training.
//!
//! The rule is that of the paper (Reward Reasoning Models, arXiv 2505.14674, section 2.2): +1 for the labelled verdict, -1 otherwise, and the
//! reasoning does not count. All other rules are options, and off by default.

use serde::{Deserialize, Serialize};

use crate::{
    comparison::{Comparison, Side},
    engine::{Completion, Opening},
    format::FormatFile,
    transcript::{self, Transcript, VerdictPlace},
    verdict::{self, Abstain, Verdict},
};

/// Reward of the labelled verdict (paper, section 2.2).
pub const RIGHT: f32 = 1.0;
/// Reward of any other verdict (paper, section 2.2).
pub const WRONG: f32 = -1.0;

/// Weights of the parts of a reward.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RewardConfig {
    /// Reward of a completion without a verdict. By the paper's rule it is that of a wrong verdict. A lower reward teaches to state a verdict at all;
    /// a higher one teaches to abstain when in doubt.
    pub abstain: f32,
    /// Added for a well-formed completion with any verdict (the format reward of DeepSeek-R1, arXiv 2501.12948); see [`GradedVote::well_formed`].
    pub format: f32,
    /// Whether a verdict counts as right only if the one about the other order, in the same batch, is right as well (J1, arXiv 2505.10320). A judge
    /// that decides by position then earns nothing.
    pub consistency: bool,
}

impl Default for RewardConfig {
    /// Returns the paper's rule alone.
    fn default() -> Self {
        RewardConfig { abstain: WRONG, format: 0.0, consistency: false }
    }
}

/// The vote of a completion and whether it was well formed, as rewards need them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GradedVote {
    /// Its verdict about the two positions, read as in judging.
    pub vote: Result<Verdict, Abstain>,
    /// Whether it ended by itself, has thinking if its format has any, closed it once, and states one label, once, exactly as the format writes it.
    /// Other wordings are read as verdicts, but training should not teach them.
    pub well_formed: bool,
}

/// Reads a completion by the same rules as in judging, if the judged texts are not known.
pub fn grade(completion: &Completion, format: &FormatFile) -> GradedVote {
    let transcript = transcript::split(completion, format.thinking.as_ref());
    GradedVote { vote: verdict::read(&transcript, &format.verdict), well_formed: well_formed(&transcript, format) }
}

/// Reads a completion about `comparison`, with the writer of the opening mark of thinking, as in judging.
pub fn grade_about(completion: &Completion, format: &FormatFile, comparison: &Comparison, opening: Opening) -> GradedVote {
    let transcript = transcript::split_of(completion, format.thinking.as_ref(), opening);
    let vote = verdict::read_about(&transcript, &format.verdict, comparison);
    GradedVote { vote, well_formed: well_formed(&transcript, format) }
}

/// Returns the reward of one completion about a comparison whose better response is `label`.
pub fn reward(config: &RewardConfig, graded: GradedVote, label: Side) -> f32 {
    of_verdict(config, graded.vote, is_right(graded.vote, label)) + of_format(config, graded)
}

/// Returns the rewards of the completions about a comparison, and of those about the same comparison in the other order. `label` is the better
/// response in the first order.
///
/// With `consistency`, number i of one order is right only together with number i of the other one. A completion without a verdict earns `abstain`; a
/// right one whose twin is not right earns as much as a wrong one. Without `consistency`, each counts by itself.
///
/// # Panics
/// If the orders have different numbers of completions, with `consistency`.
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

/// Returns whether a vote is the labelled verdict.
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
        // Right in both orders; the first position in both; right, and no verdict; wrong in both.
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
