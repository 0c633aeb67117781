//! Ratings against golden numbers of other programs, against properties, and in simulation.

use proptest::prelude::*;
use rrm::{
    keyed::KeyedRandom,
    ranking::rating::{BtConfig, DecidedMatch, EloConfig, MatchOutcome, Ratings, bradley_terry, elo, rank, win_rate},
};
use serde::Deserialize;

/// A match of the golden files: `[a, b, w]`, `w` 1 where a wins, 2 where b wins, 0 for a tie.
type Row = (usize, usize, u8);

fn played(rows: &[Row]) -> Vec<DecidedMatch> {
    let outcome = |w| match w {
        1 => MatchOutcome::A,
        2 => MatchOutcome::B,
        _ => MatchOutcome::Tie,
    };
    rows.iter().map(|(a, b, w)| DecidedMatch { a: *a, b: *b, outcome: outcome(*w) }).collect()
}

fn values(ratings: &Ratings) -> Vec<f64> {
    ratings.scores.iter().map(|score| score.unwrap().value).collect()
}

#[test]
fn elo_equals_evalica() {
    #[derive(Deserialize)]
    struct Golden {
        defaults: Config,
        cases: Vec<Case>,
    }
    #[derive(Deserialize)]
    struct Config {
        initial: f64,
        base: f64,
        scale: f64,
        k: f64,
    }
    #[derive(Deserialize)]
    struct Case {
        name: String,
        n: usize,
        config: Config,
        played: Vec<Row>,
        scores: Vec<Option<f64>>,
    }
    let convert = |config: Config| {
        let Config { initial, base, scale, k } = config;
        EloConfig { initial, base, scale, k, ..EloConfig::default() }
    };
    let golden: Golden = serde_json::from_str(include_str!("../golden/evalica_elo.json")).unwrap();
    assert_eq!(convert(golden.defaults), EloConfig::default());
    assert_eq!(golden.cases.len(), 12);
    for case in golden.cases {
        let config = EloConfig { resamples: 0, ..convert(case.config) };
        let ratings = elo(case.n, &played(&case.played), &config, 0, "row");
        for (ours, theirs) in ratings.scores.iter().zip(&case.scores) {
            let close = match (ours, theirs) {
                (Some(ours), Some(theirs)) => (ours.value - theirs).abs() < 1e-9,
                (ours, theirs) => ours.is_none() && theirs.is_none(),
            };
            assert!(close, "{}: {ours:?} is not {theirs:?}", case.name);
        }
    }
}

#[test]
fn bradley_terry_equals_logistic_regression() {
    #[derive(Deserialize)]
    struct Golden {
        cases: Vec<Case>,
    }
    #[derive(Deserialize)]
    struct Case {
        name: String,
        n: usize,
        penalised: bool,
        played: Vec<Row>,
        strengths: Vec<f64>,
        errors: Vec<f64>,
    }
    let golden: Golden = serde_json::from_str(include_str!("../golden/bradley_terry.json")).unwrap();
    assert_eq!(golden.cases.len(), 9);
    let unit = 400.0 / std::f64::consts::LN_10;
    for case in golden.cases {
        let ratings = bradley_terry(case.n, &played(&case.played), &BtConfig::default());
        assert_eq!(ratings.penalised, case.penalised, "{}", case.name);
        for ((score, strength), error) in ratings.scores.iter().zip(case.strengths).zip(case.errors) {
            let score = score.unwrap();
            let (low, high) = (score.low.unwrap(), score.high.unwrap());
            assert!(((score.value - 1000.0) / unit - strength).abs() < 1e-6, "{}: {score:?} is not {strength}", case.name);
            assert!(
                ((high - low) / unit / 2.0 / 1.959_963_984_540_054 - error).abs() < 1e-6,
                "{}: {score:?}, {error}",
                case.name
            );
            assert!(((high + low) / 2.0 - score.value).abs() < 3e-6, "{}", case.name);
        }
    }
}

/// The share of 95% intervals that hold the true strength, and whether any of the fits was penalised.
fn coverage(strengths: &[f64], rounds: usize, tournaments: u64) -> (f64, bool) {
    let n = strengths.len();
    let mean = strengths.iter().sum::<f64>() / n as f64;
    let (mut held, mut penalised) = (0, false);
    for tournament in 0..tournaments {
        let mut keyed = KeyedRandom::new(11, "coverage", "outcomes", &[n as u64, rounds as u64, tournament]);
        let mut played = Vec::new();
        for (a, b) in (0..rounds).flat_map(|_| (0..n).flat_map(|a| (a + 1..n).map(move |b| (a, b)))) {
            let chance = 1.0 / (1.0 + (strengths[b] - strengths[a]).exp());
            played.push(DecidedMatch { a, b, outcome: if keyed.f64() < chance { MatchOutcome::A } else { MatchOutcome::B } });
        }
        let ratings = bradley_terry(n, &played, &BtConfig::default());
        penalised |= ratings.penalised;
        for (score, strength) in ratings.scores.iter().flatten().zip(strengths) {
            let truth = 1000.0 + 400.0 / std::f64::consts::LN_10 * (strength - mean);
            held += usize::from((score.low.unwrap()..=score.high.unwrap()).contains(&truth));
        }
    }
    (held as f64 / (n as u64 * tournaments) as f64, penalised)
}

#[test]
fn intervals_of_bradley_terry_hold_the_truth_as_often_as_they_say() {
    let (share, penalised) = coverage(&[1.2, 0.7, 0.4, 0.0, -0.1, -0.5, -0.8, -1.1], 20, 400);
    assert!((0.935..=0.965).contains(&share) && !penalised, "{share}");
    let (share, _) = coverage(&[0.8, 0.1, 0.0, -0.9], 6, 600);
    assert!((0.92..=0.98).contains(&share), "{share}");
}

#[test]
fn penalised_intervals_are_not_too_sure() {
    // One round among six responses: almost always somebody is undefeated or without a win.
    let (share, penalised) = coverage(&[1.5, 0.9, 0.2, -0.3, -0.9, -1.4], 1, 500);
    assert!(share > 0.92 && penalised, "{share}");
}

/// Matches among `n` responses, all kinds of outcomes, not all responses need play.
fn matches(max_n: usize) -> impl Strategy<Value = (usize, Vec<DecidedMatch>)> {
    (2..=max_n).prop_flat_map(|n| {
        let one = (0..n, 1..n, prop_oneof![Just(MatchOutcome::A), Just(MatchOutcome::B), Just(MatchOutcome::Tie)]);
        let list = proptest::collection::vec(one, 0..80);
        (
            Just(n),
            list.prop_map(move |list| {
                list.into_iter().map(|(a, gap, outcome)| DecidedMatch { a, b: (a + gap) % n, outcome }).collect()
            }),
        )
    })
}

/// A permutation of `0..n`, fixed by a seed.
fn permutation(n: usize, seed: u64) -> Vec<usize> {
    rrm::keyed::shuffle(n, seed, "permutation", "test")
}

proptest! {
    #[test]
    fn scores_are_finite_inside_their_intervals_and_centred((n, played) in matches(12)) {
        let config = EloConfig { resamples: 20, ..EloConfig::default() };
        for ratings in [elo(n, &played, &config, 1, "x"), bradley_terry(n, &played, &BtConfig::default()), win_rate(n, &played)] {
            prop_assert_eq!(ratings.scores.len(), n);
            for (index, score) in ratings.scores.iter().enumerate() {
                prop_assert_eq!(score.is_some(), played.iter().any(|game| game.a == index || game.b == index));
                let Some(score) = score else { continue };
                let (low, high) = (score.low.unwrap_or(score.value), score.high.unwrap_or(score.value));
                prop_assert!(score.value.is_finite() && low <= score.value && score.value <= high, "{:?}", score);
            }
            let mut order = rank(&ratings.scores);
            let by_score = |place: &usize| ratings.scores[*place].map_or(f64::NEG_INFINITY, |score| score.value);
            prop_assert!(order.is_sorted_by(|x, y| by_score(x) > by_score(y) || (by_score(x) == by_score(y) && x < y)));
            order.sort_unstable();
            prop_assert_eq!(order, (0..n).collect::<Vec<_>>());
        }
        let scores: Vec<f64> =
            bradley_terry(n, &played, &BtConfig::default()).scores.iter().flatten().map(|score| score.value - 1000.0).collect();
        prop_assert!(scores.iter().sum::<f64>().abs() < 1e-5, "{:?}", scores);
    }

    #[test]
    fn order_and_names_do_not_matter((n, played) in matches(10), seed: u64) {
        let config = BtConfig::default();
        let before = bradley_terry(n, &played, &config);
        let reordered: Vec<DecidedMatch> = permutation(played.len(), seed).into_iter().map(|index| played[index]).collect();
        prop_assert_eq!(&bradley_terry(n, &reordered, &config), &before);
        prop_assert_eq!(win_rate(n, &reordered), win_rate(n, &played));

        let name = permutation(n, seed);
        let renamed: Vec<DecidedMatch> = played.iter().map(|game| DecidedMatch { a: name[game.a], b: name[game.b], ..*game }).collect();
        let after = bradley_terry(n, &renamed, &config);
        prop_assert_eq!((after.penalised, after.connected), (before.penalised, before.connected));
        for (index, score) in before.scores.iter().enumerate() {
            match (score, after.scores[name[index]]) {
                (Some(score), Some(other)) => {
                    prop_assert!((score.value - other.value).abs() < 5e-6);
                    prop_assert!((score.high.unwrap() - other.high.unwrap()).abs() < 5e-6);
                }
                (score, other) => prop_assert!(score.is_none() && other.is_none()),
            }
        }
    }

    #[test]
    fn turning_a_match_around_changes_nothing((n, played) in matches(8)) {
        let turned: Vec<DecidedMatch> = played.iter().map(|game| DecidedMatch {
            a: game.b,
            b: game.a,
            outcome: match game.outcome { MatchOutcome::A => MatchOutcome::B, MatchOutcome::B => MatchOutcome::A, MatchOutcome::Tie => MatchOutcome::Tie },
        }).collect();
        prop_assert_eq!(bradley_terry(n, &turned, &BtConfig::default()), bradley_terry(n, &played, &BtConfig::default()));
        prop_assert_eq!(win_rate(n, &turned), win_rate(n, &played));
        let config = EloConfig { resamples: 0, ..EloConfig::default() };
        let (one, other) = (elo(n, &turned, &config, 0, "x"), elo(n, &played, &config, 0, "x"));
        for (one, other) in values_or_nan(&one).iter().zip(values_or_nan(&other)) {
            prop_assert!((one - other).abs() < 1e-9 || (one.is_nan() && other.is_nan()));
        }
    }

    /// One more win against an opponent that was met before never costs a place. (Only between two fits with, or two without
    /// the penalty: the win that makes the penalty unnecessary changes the method for all.)
    #[test]
    fn a_further_win_never_costs_a_place((n, mut played) in matches(10), which: prop::sample::Index, winner_is_a: bool) {
        prop_assume!(!played.is_empty());
        let again = which.get(&played);
        let (winner, loser) = if winner_is_a { (again.a, again.b) } else { (again.b, again.a) };
        let place = |ratings: &Ratings| {
            let mine = ratings.scores[winner].unwrap().value;
            // Scores that differ by rounding alone are the same place.
            ratings.scores.iter().flatten().filter(|score| score.value > mine + 1e-5).count()
        };
        let config = EloConfig { resamples: 0, ..EloConfig::default() };
        let rate = |played: &[DecidedMatch]| {
            [elo(n, played, &config, 0, "x"), bradley_terry(n, played, &BtConfig::default()), win_rate(n, played)]
        };
        let before = rate(&played);
        played.push(DecidedMatch { a: winner, b: loser, outcome: MatchOutcome::A });
        for (before, after) in before.iter().zip(rate(&played)) {
            if before.penalised == after.penalised {
                prop_assert!(place(&after) <= place(before), "{:?} {:?}", before, after);
            }
        }
    }
}

fn values_or_nan(ratings: &Ratings) -> Vec<f64> {
    ratings.scores.iter().map(|score| score.map_or(f64::NAN, |score| score.value)).collect()
}

#[test]
fn with_equal_schedules_all_methods_find_the_stronger_first() {
    // A round robin of ten rounds in which the smaller number wins nine times of ten.
    let n = 6;
    let mut keyed = KeyedRandom::new(5, "methods", "outcomes", &[]);
    let mut played: Vec<DecidedMatch> = Vec::new();
    for (a, b) in (0..10).flat_map(|_| (0..n).flat_map(|a| (a + 1..n).map(move |b| (a, b)))) {
        played.push(DecidedMatch { a, b, outcome: if keyed.below(10) < 9 { MatchOutcome::A } else { MatchOutcome::B } });
    }
    let order: Vec<usize> = (0..n).collect();
    for ratings in
        [elo(n, &played, &EloConfig::default(), 1, "x"), bradley_terry(n, &played, &BtConfig::default()), win_rate(n, &played)]
    {
        assert_eq!(rank(&ratings.scores), order, "{:?}", values(&ratings));
    }
}
