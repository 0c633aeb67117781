//! Stored decisions of several judges -> the decisions of a jury, without further requests: its scores, the comparison with its best member, and the
//! correlation of its members' errors.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use super::{
    cases::Record,
    paired::{self, Pairing},
};
use crate::{
    eval::{Benchmark, Orders, Share},
    judge::JudgeKind,
    ranking::rating::Score,
    verdict::Abstain,
    vote::{Choice, Decision, Vote, VoteCounts},
};

/// Several judges whose decisions are combined by majority.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Jury {
    /// The benchmark's name.
    pub benchmark: String,
    /// Indices of its members in the report.
    pub members: Vec<usize>,
    /// Pairs that all members were asked about.
    pub cases: u64,
    /// Mean official score of the pairs, each with the same weight. The 95% interval takes rows as independent.
    pub official: Score,
    /// Share of pairs that are right in both orders; absent if some member was asked in one order.
    pub strict: Option<Score>,
    /// Pairs without a decision: as many members for one outcome as for another, or none for any.
    pub undecided: u64,
    /// For each member: its agreement with the jury, as a share of the pairs that both decided.
    pub agreement: Vec<Option<f64>>,
    /// Index in the report of the member with the best score on these pairs. It is chosen on the pairs on which it is compared, which favours it.
    pub best: usize,
    /// Comparison of the jury (`a`, whose index follows the last run) with that member (`b`).
    pub against_best: Pairing,
    /// Correlation of the official scores of each two members over the pairs: 1 if they err on the same pairs, 0 if their errors are independent.
    /// `None` for a member that is always right or always wrong.
    pub errors: Vec<Vec<Option<f64>>>,
}

/// Returns the jury of these members, each with its records sorted by key; `None` without common pairs.
/// `kind` says whether all members score single responses, because official scores follow another rule then.
pub(super) fn jury(benchmark: Benchmark, members: &[(usize, &[Record])], runs: usize, kind: JudgeKind) -> Option<Jury> {
    let common = common(members);
    let first = common.first()?;
    let mut of_members: Vec<Vec<Record>> = vec![Vec::new(); first.len()];
    for case in &common {
        case.iter().zip(&mut of_members).for_each(|(record, list)| list.push(**record));
    }
    let own: Vec<Record> = common.iter().map(|case| decide(benchmark, case, kind)).collect();
    let both = own.iter().all(|record| record.second.is_some());
    let rows = own.iter().map(|record| record.row).collect::<HashSet<u64>>().len() as f64;
    let mean = |of: &dyn Fn(&Record) -> f64| Share { value: own.iter().map(of).sum::<f64>() / own.len() as f64, rows }.score();
    let right = |record: &Record| {
        let label = Decision::from(record.label);
        f64::from(u8::from(record.decision == label && record.second == Some(label)))
    };
    let total = |records: &[Record]| records.iter().map(|record| record.official).sum::<f64>();
    // The first one of equally good members.
    let mut best = 0;
    for place in 1..of_members.len() {
        if total(&of_members[place]) > total(&of_members[best]) {
            best = place;
        }
    }
    let agreement = of_members.iter().map(|records| agreement(&own, records)).collect();
    let errors = of_members.iter().map(|a| of_members.iter().map(|b| correlation(a, b)).collect()).collect();
    Some(Jury {
        benchmark: benchmark.protocol().name.to_owned(),
        members: members.iter().map(|(place, _)| *place).collect(),
        cases: own.len() as u64,
        official: mean(&|record| record.official)?,
        strict: if both { mean(&right) } else { None },
        undecided: own.iter().filter(|record| record.decision == Decision::Undecided).count() as u64,
        agreement,
        best: members[best].0,
        against_best: paired::compare((runs, &own), (members[best].0, &of_members[best]), &[])?,
        errors,
    })
}

/// Returns the records of each pair that all members have, in the order of the members.
fn common<'a>(members: &[(usize, &'a [Record])]) -> Vec<Vec<&'a Record>> {
    let Some(((_, first), others)) = members.split_first() else { return Vec::new() };
    let found = |record: &'a Record| -> Option<Vec<&'a Record>> {
        let other = |(_, records): &(usize, &'a [Record])| {
            records.binary_search_by_key(&record.key, |other| other.key).ok().map(|place| &records[place])
        };
        let others: Option<Vec<&Record>> = others.iter().map(other).collect();
        Some([vec![record], others?].concat())
    };
    first.iter().filter_map(found).collect()
}

/// Returns the decision of most members in each order, with its official score.
fn decide(benchmark: Benchmark, case: &[&Record], kind: JudgeKind) -> Record {
    let vote = |decisions: &mut dyn Iterator<Item = Decision>| {
        let mut counts = VoteCounts::default();
        decisions.for_each(|decision| counts.add(self::vote(decision)));
        counts.decision()
    };
    let decision = vote(&mut case.iter().map(|record| record.decision));
    let twice = case.iter().all(|record| record.second.is_some());
    let second = twice.then(|| vote(&mut case.iter().filter_map(|record| record.second)));
    let counted = if benchmark.protocol().orders == Orders::Both { 2 } else { 1 };
    let decisions: Vec<Decision> = [Some(decision), second].into_iter().flatten().take(counted).collect();
    let official = benchmark.protocol().count(case[0].label, &decisions, kind);
    Record { official, decision, second, ..*case[0] }
}

fn vote(decision: Decision) -> Vote {
    match decision {
        Decision::A => Ok(Choice::A),
        Decision::B => Ok(Choice::B),
        Decision::Tie => Ok(Choice::Tie),
        Decision::Undecided => Err(Abstain::NoVerdict),
    }
}

fn agreement(jury: &[Record], member: &[Record]) -> Option<f64> {
    let decided = |(a, b): &(&Record, &Record)| a.decision != Decision::Undecided && b.decision != Decision::Undecided;
    let both: Vec<_> = jury.iter().zip(member).filter(decided).collect();
    let same = both.iter().filter(|(a, b)| a.decision == b.decision).count();
    (!both.is_empty()).then(|| same as f64 / both.len() as f64)
}

/// Returns Pearson's correlation of the official scores of two judges.
fn correlation(a: &[Record], b: &[Record]) -> Option<f64> {
    let n = a.len() as f64;
    let mean = |records: &[Record]| records.iter().map(|record| record.official).sum::<f64>() / n;
    let (mean_a, mean_b) = (mean(a), mean(b));
    let (mut both, mut of_a, mut of_b) = (0.0, 0.0, 0.0);
    for (a, b) in a.iter().zip(b) {
        let (a, b) = (a.official - mean_a, b.official - mean_b);
        both += a * b;
        of_a += a * a;
        of_b += b * b;
    }
    (of_a > 0.0 && of_b > 0.0).then(|| both / (of_a * of_b).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn records(right: [bool; 6]) -> Vec<Record> {
        let one = |(key, right): (usize, bool)| Record {
            key: key as u128,
            row: key as u64,
            official: f64::from(u8::from(right)),
            decision: if right { Decision::A } else { Decision::B },
            second: Some(Decision::A),
            label: Choice::A,
            subset: 0,
        };
        right.into_iter().enumerate().map(one).collect()
    }

    #[test]
    fn members_who_err_apart_make_a_jury_that_is_never_wrong() {
        let all = [
            records([true, true, true, true, false, false]),
            records([true, true, false, false, true, true]),
            records([false, false, true, true, true, true]),
        ];
        let members: Vec<(usize, &[Record])> = all.iter().enumerate().map(|(place, list)| (place, list.as_slice())).collect();
        let jury = jury(Benchmark::Pairs, &members, 3, JudgeKind::Compares).unwrap();
        assert_eq!((jury.cases, jury.official.value, jury.strict.unwrap().value, jury.undecided), (6, 1.0, 1.0, 0));
        assert_eq!((jury.best, jury.against_best.a_better, jury.against_best.b_better), (0, 2, 0));
        assert!((jury.agreement[0].unwrap() - 2.0 / 3.0).abs() < 1e-12);
        assert!((jury.errors[0][1].unwrap() + 0.5).abs() < 1e-12 && (jury.errors[0][0].unwrap() - 1.0).abs() < 1e-12);
    }

    #[test]
    fn a_jury_of_scores_counts_as_its_members_do() {
        // Equal scores: a tie, which is half a point in PPE where judges write, and none where they score.
        let tied: Vec<Record> =
            records([true; 6]).into_iter().map(|record| Record { official: 0.0, decision: Decision::Tie, ..record }).collect();
        let members: Vec<(usize, &[Record])> = (0..3).map(|place| (place, tied.as_slice())).collect();
        let official = |kind| super::jury(Benchmark::Ppe, &members, 3, kind).unwrap().official;
        let (scores, compares) = (official(JudgeKind::Scores), official(JudgeKind::Compares));
        assert_eq!((scores.value, compares.value), (0.0, 0.5));
        // Wilson's interval: a share stays between 0 and 1, and no share is certain.
        assert!(scores.low.unwrap() >= 0.0 && scores.high.unwrap() > 0.3);
    }

    #[test]
    fn equally_many_for_two_outcomes_decide_nothing() {
        let all = [records([true; 6]), records([false; 6])];
        let members: Vec<(usize, &[Record])> = all.iter().enumerate().map(|(place, list)| (place, list.as_slice())).collect();
        let jury = jury(Benchmark::Pairs, &members, 2, JudgeKind::Compares).unwrap();
        assert_eq!((jury.undecided, jury.official.value, jury.errors[0][1]), (6, 0.0, None));
        assert_eq!(super::jury(Benchmark::Pairs, &[(0, all[0].as_slice()), (1, &[])], 2, JudgeKind::Compares), None);
    }
}
