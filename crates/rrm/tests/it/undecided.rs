//! Where no verdict was stated there is no place: knockouts and ratings over judges that say nothing, something, or the same of both.

use std::collections::HashSet;

use futures::FutureExt;
use proptest::prelude::*;
use rrm::{
    judge::{Evidence, Judgment, Order},
    keyed::KeyedRandom,
    ranking::{
        self, Ranking, schedule,
        strategy::{self, DecidedBy, Match, Matches, PairJudgment, RateFn, Strategy},
    },
    verdict::Abstain,
    vote::{self, Choice},
};

/// What a judge says of a pair, whoever is shown first; `silent` percent of the pairs get no verdict, as many equal votes.
fn said(world: u64, silent: u64, pair: (usize, usize)) -> Vec<vote::Vote> {
    let drawn = KeyedRandom::new(world, "", "said", &[pair.0 as u64, pair.1 as u64]).below(100);
    match drawn {
        n if n < silent => vec![Err(Abstain::NoVerdict), Err(Abstain::Truncated)],
        n if n < 2 * silent => vec![Ok(Choice::A), Ok(Choice::B)],
        n if n % 2 == 0 => vec![Ok(Choice::A), Err(Abstain::Ambiguous)],
        _ => vec![Ok(Choice::B), Ok(Choice::B)],
    }
}

fn played(pair: (usize, usize), votes: Vec<vote::Vote>) -> PairJudgment {
    let counts = vote::count(votes);
    let judgment =
        Judgment { decision: counts.decision(), counts, evidence: Evidence::Votes(Vec::new()), usage: Default::default() };
    PairJudgment { pair, order: Order::Given, judgment }
}

/// A knockout of n responses in which `of` answers about pairs; `coin` decides by pair.
fn knockout(
    n: usize,
    of: &(dyn Fn((usize, usize)) -> Vec<vote::Vote> + Sync),
    coin: &(dyn Fn(usize, usize) -> bool + Sync),
) -> Ranking {
    let teams: Vec<usize> = (0..n).collect();
    let bracket = schedule::draw(n, 0, "x").unwrap();
    let play = |a: usize, b: usize| {
        let pair = (a.min(b), a.max(b));
        let played = played(pair, of(pair));
        async move { Ok::<_, ()>(played) }
    };
    let matches = strategy::knockout(&bracket, &teams, &play, coin).now_or_never().unwrap().unwrap();
    ranking::of_knockout(n, matches)
}

fn pairs_of(ranking: &Ranking) -> HashSet<(usize, usize)> {
    ranking.matches.iter().map(|m| (m.a, m.b)).collect()
}

fn silent_match(m: &Match) -> bool {
    m.judgment.as_ref().is_some_and(|judgment| judgment.counts.verdicts() == 0)
}

proptest! {
    /// Who goes on from a match without a verdict, and what is said of pairs that then meet in place of others, changes nothing that is stated.
    #[test]
    fn nothing_that_is_stated_rests_on_a_match_without_a_verdict(n in 1_usize..20, world: u64, other: u64, silent in 0_u64..40) {
        let one = |pair| said(world, silent, pair);
        let even = |a: usize, b: usize| KeyedRandom::new(world, "", "coin", &[a as u64, b as u64]).below(2) == 0;
        let ranking = knockout(n, &one, &even);
        let met = pairs_of(&ranking);
        let elsewhere = |pair| if met.contains(&pair) { one(pair) } else { said(other, silent, pair) };
        let turned = |a: usize, b: usize| even(a, b) != (one((a, b)).iter().all(Result::is_err) && other % 2 == 0);
        let again = knockout(n, &elsewhere, &turned);
        prop_assert_eq!(&ranking.scores, &again.scores);
        prop_assert_eq!(&ranking.ranks, &again.ranks);
        prop_assert_eq!(&ranking.order, &again.order);
    }

    /// A ranking says that it is not whole exactly where a match has no verdict, and then neither the winner nor whoever lost the final has a place.
    #[test]
    fn a_knockout_is_whole_unless_a_match_has_no_verdict(n in 1_usize..20, world: u64, silent in 0_u64..40) {
        let ranking = knockout(n, &|pair| said(world, silent, pair), &|_, _| true);
        let any = ranking.matches.iter().any(silent_match);
        prop_assert_eq!(ranking.order.is_none(), any);
        prop_assert_eq!(ranking.open.is_empty(), !any);
        for m in &ranking.matches {
            match (silent_match(m), m.judgment.as_ref().unwrap().decision) {
                (true, _) => prop_assert_eq!((m.winner, m.decided_by), (None, DecidedBy::Nothing)),
                (false, vote::Decision::Undecided) => prop_assert_eq!((m.winner, m.decided_by), (Some(m.a), DecidedBy::Coin)),
                _ => prop_assert_eq!(m.decided_by, DecidedBy::Votes),
            }
            if silent_match(m) {
                prop_assert_eq!((ranking.ranks[m.a], ranking.ranks[m.b]), (None, None));
            }
        }
        if any {
            let last = ranking.matches.last().unwrap();
            prop_assert_eq!((ranking.scores[last.a], ranking.scores[last.b]), (None, None));
        }
        // Scores that are known and those that are open are together what this bracket always gives.
        let mut all: Vec<f64> = ranking.scores.iter().flatten().map(|score| score.value).chain(ranking.open.iter().copied()).collect();
        let whole = knockout(n, &|_| vec![Ok(Choice::A)], &|_, _| true);
        let mut expected: Vec<f64> = whole.scores.iter().flatten().map(|score| score.value).collect();
        all.sort_by(f64::total_cmp);
        expected.sort_by(f64::total_cmp);
        prop_assert_eq!(&all, &expected);
        // A known place is the one that the score has among all scores.
        for (score, rank) in ranking.scores.iter().zip(&ranking.ranks) {
            prop_assert_eq!(score.map(|score| 1 + all.iter().filter(|other| **other > score.value).count()), *rank);
        }
    }

    /// Matches without a decision might as well not have been played, but for the places of those who then have none.
    #[test]
    fn ratings_leave_places_open_that_no_decision_gives(n in 2_usize..8, world: u64, silent in 0_u64..50) {
        let pairs = schedule::round_robin(&(0..n).collect::<Vec<_>>());
        let matches: Vec<Match> = pairs.iter().map(|pair| strategy::settle(0, played(*pair, said(world, silent, *pair)))).collect();
        for rated in Strategy::rated() {
            let ranking = ranking::of_ratings(&(0..n).collect::<Vec<_>>(), matches.clone(), rate(rated), 0, "x");
            let decided: HashSet<usize> =
                matches.iter().filter(|m| m.decided_by == DecidedBy::Votes).flat_map(|m| [m.a, m.b]).collect();
            for (i, score) in ranking.scores.iter().enumerate() {
                prop_assert_eq!(score.is_some(), decided.contains(&i));
                prop_assert_eq!(ranking.ranks[i].is_some(), decided.contains(&i) && ranking.connected);
            }
            prop_assert_eq!(ranking.order.is_some(), decided.len() == n && ranking.connected);
        }
    }
}

#[test]
fn one_match_without_a_verdict_leaves_open_what_could_have_been_otherwise() {
    // Four responses; the judge says nothing of one first match, and the first place is better everywhere else.
    let whole = knockout(4, &|_| vec![Ok(Choice::A)], &|_, _| true);
    let (quiet, heard) = (&whole.matches[0], &whole.matches[1]);
    let pair = (quiet.a, quiet.b);
    let ranking =
        knockout(4, &|other| if other == pair { vec![Err(Abstain::NoVerdict)] } else { vec![Ok(Choice::A)] }, &|_, _| true);
    // Whoever lost the other first match is last whatever had been said; the other three could each be second.
    let beaten = heard.b;
    let known: Vec<usize> = (0..4).filter(|i| ranking.ranks[*i].is_some()).collect();
    assert_eq!(known, [beaten]);
    assert_eq!((ranking.ranks[beaten], ranking.scores[beaten].unwrap().value), (Some(3), 0.0));
    assert_eq!((ranking.order, ranking.open), (None, vec![0.0, 1.0, 2.0]));
    assert_eq!((ranking.tally.coins, ranking.tally.undecided), (0, 1));
}

fn rate(strategy: Strategy) -> RateFn {
    match strategy.rules().matches {
        Matches::Pairs { rate, .. } => rate,
        Matches::Bracket => panic!("{strategy:?} rates nothing"),
    }
}

#[test]
fn parts_that_only_silence_divides_have_no_places_and_parts_by_design_do() {
    let of = |pairs: &[((usize, usize), bool)]| {
        let vote = |spoken: bool| if spoken { Ok(Choice::A) } else { Err(Abstain::NoVerdict) };
        let matches = pairs.iter().map(|(pair, spoken)| strategy::settle(0, played(*pair, vec![vote(*spoken)]))).collect();
        ranking::of_ratings(&[0, 1, 2, 3], matches, rate(Strategy::WinRate), 0, "x")
    };
    let divided = of(&[((0, 1), true), ((2, 3), true), ((1, 2), false)]);
    assert_eq!((divided.order, divided.connected, divided.ranks), (None, false, vec![None; 4]));
    let apart = of(&[((0, 1), true), ((2, 3), true)]);
    assert_eq!((apart.order, apart.connected), (Some(vec![0, 2, 1, 3]), false));
    assert_eq!(apart.ranks, [Some(1), Some(3), Some(1), Some(3)]);
}
