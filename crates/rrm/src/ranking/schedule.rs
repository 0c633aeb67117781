//! A number of responses -> the matches: the bracket of a knockout, all pairs, or a few opponents for each response.

use std::collections::HashMap;

use crate::keyed;

/// The team number of each response; members of a team are equal and never play each other.
pub type Teams = [usize];

/// Bracket of a knockout as a tree, played from the leaves up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Bracket {
    /// A response enters here.
    Leaf(usize),
    /// The winners of both sides meet here.
    Match {
        /// Round of this match, counted from 0 at the first matches.
        round: u32,
        /// The two parts of the bracket that the opponents come from.
        sides: Box<[Bracket; 2]>,
    },
}

/// Draws responses by seed into a bracket of `ceil(log2 n)` rounds and n - 1 matches. A response with a bye enters in the second round. `None` for no
/// responses.
pub fn draw(n: usize, seed: u64, item: &str) -> Option<Bracket> {
    bracket(&keyed::shuffle(n, seed, item, "bracket"))
}

/// Returns the bracket over responses in this order: neighbours meet first. As many byes as responses are missing to the next power of two are spread
/// evenly over the first round, at the earlier places. `None` for no responses.
pub fn bracket(order: &[usize]) -> Option<Bracket> {
    let pairs = order.len().next_power_of_two() / 2;
    if pairs == 0 {
        return order.first().map(|only| Bracket::Leaf(*only));
    }
    let byes = 2 * pairs - order.len();
    let mut rest = order.iter().copied();
    let mut nodes: Vec<Bracket> = Vec::with_capacity(pairs);
    for place in 0..pairs {
        // A bye stands where the running share of byes reaches the next whole number: evenly spaced, exactly `byes` of them.
        let bye = (place + 1) * byes / pairs > place * byes / pairs;
        let first = Bracket::Leaf(rest.next()?);
        nodes.push(if bye { first } else { meet(0, first, Bracket::Leaf(rest.next()?)) });
    }
    let mut round = 1;
    while nodes.len() > 1 {
        let mut winners = nodes.into_iter();
        let mut next = Vec::new();
        while let (Some(first), Some(second)) = (winners.next(), winners.next()) {
            next.push(meet(round, first, second));
        }
        nodes = next;
        round += 1;
    }
    nodes.pop()
}

fn meet(round: u32, first: Bracket, second: Bracket) -> Bracket {
    Bracket::Match { round, sides: Box::new([first, second]) }
}

/// Returns every pair of responses that are not in the same team: n (n - 1) / 2 matches without teams.
pub fn round_robin(teams: &Teams) -> Vec<(usize, usize)> {
    let n = teams.len();
    (0..n).flat_map(|a| (a + 1..n).map(move |b| (a, b))).filter(|(a, b)| teams[*a] != teams[*b]).collect()
}

/// Returns the number of pairs of [`round_robin`] without making them.
pub fn count_round_robin(teams: &Teams) -> u64 {
    let pairs = |n: u64| n * n.saturating_sub(1) / 2;
    let mut sizes: HashMap<usize, u64> = HashMap::new();
    teams.iter().for_each(|team| *sizes.entry(*team).or_default() += 1);
    pairs(teams.len() as u64) - sizes.into_values().map(pairs).sum::<u64>()
}

/// Returns pairs with `m` random opponents for each response: the responses stand in a circle drawn by seed, and each meets its nearest neighbours.
///
/// Without teams and with `n * m` even, every response has exactly `m` different opponents, there are n * m / 2 matches, and for `m >= 2` the graph
/// is connected, which ratings need. If that is impossible (an odd product, large teams), no response has fewer than `m` opponents unless fewer
/// exist, and some have one more.
pub fn opponents(m: usize, teams: &Teams, seed: u64, item: &str) -> Vec<(usize, usize)> {
    let mut pairs = Vec::new();
    each_opponent(m, teams, (seed, item), |pair| pairs.push(pair));
    pairs
}

/// Returns the number of pairs of [`opponents`] without keeping them.
pub fn count_opponents(m: usize, teams: &Teams, seed: u64, item: &str) -> u64 {
    let mut count = 0;
    each_opponent(m, teams, (seed, item), |_| count += 1);
    count
}

/// Hands on the pairs of [`opponents`], one after the other. It walks around the circle twice: the first time it pairs two responses that both need
/// an opponent, the second time also two of which one does.
fn each_opponent(m: usize, teams: &Teams, (seed, item): (u64, &str), mut met: impl FnMut((usize, usize))) {
    let circle = keyed::shuffle(teams.len(), seed, item, "opponents");
    let apart = |(a, b): (usize, usize)| teams[a] != teams[b];
    let mut played = OpponentCounts::new(teams.len(), m);
    for pair in around(&circle) {
        if played.wanting < 2 {
            break;
        }
        if apart(pair) && played.both_want(pair) {
            played.add(pair);
            met((pair.0.min(pair.1), pair.0.max(pair.1)));
        }
    }
    // The first walk is repeated to tell which pairs met in it, without a list of pairs.
    let mut again = OpponentCounts::new(teams.len(), m);
    for pair in around(&circle) {
        if played.wanting == 0 {
            break;
        }
        if !apart(pair) {
            continue;
        }
        if again.both_want(pair) {
            again.add(pair);
        } else if played.one_wants(pair) {
            played.add(pair);
            met((pair.0.min(pair.1), pair.0.max(pair.1)));
        }
    }
}

/// Returns every pair of a circle once, nearest neighbours first.
fn around(circle: &[usize]) -> impl Iterator<Item = (usize, usize)> {
    let n = circle.len();
    (1..=n / 2).flat_map(move |distance| {
        // Opposite places of the circle see each other at the same distance from both sides.
        let places = if 2 * distance == n { distance } else { n };
        (0..places).map(move |place| (circle[place], circle[(place + distance) % n]))
    })
}

/// Number of opponents of each response so far, and number of responses that need more.
struct OpponentCounts {
    counts: Vec<usize>,
    most: usize,
    wanting: usize,
}

impl OpponentCounts {
    fn new(n: usize, most: usize) -> Self {
        OpponentCounts { counts: vec![0; n], most, wanting: if most == 0 { 0 } else { n } }
    }

    fn wants(&self, response: usize) -> bool {
        self.counts[response] < self.most
    }

    fn both_want(&self, (a, b): (usize, usize)) -> bool {
        self.wants(a) && self.wants(b)
    }

    fn one_wants(&self, (a, b): (usize, usize)) -> bool {
        self.wants(a) || self.wants(b)
    }

    fn add(&mut self, (a, b): (usize, usize)) {
        for response in [a, b] {
            self.counts[response] += 1;
            self.wanting -= usize::from(self.counts[response] == self.most);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn leaves(bracket: &Bracket, found: &mut Vec<usize>, matches: &mut Vec<u32>) {
        match bracket {
            Bracket::Leaf(response) => found.push(*response),
            Bracket::Match { round, sides } => {
                matches.push(*round);
                sides.iter().for_each(|side| leaves(side, found, matches));
            }
        }
    }

    proptest! {
        #[test]
        fn a_bracket_holds_everybody_once_in_the_fewest_rounds(n in 1_usize..200, seed: u64) {
            let (mut found, mut rounds) = (Vec::new(), Vec::new());
            leaves(&draw(n, seed, "x").unwrap(), &mut found, &mut rounds);
            found.sort_unstable();
            prop_assert_eq!(found, (0..n).collect::<Vec<_>>());
            prop_assert_eq!(rounds.len(), n - 1);
            let last = rounds.iter().max().map_or(0, |r| r + 1);
            prop_assert_eq!(last, n.next_power_of_two().trailing_zeros());
        }

        #[test]
        fn everybody_meets_m_opponents(n in 2_usize..40, m in 1_usize..8, seed: u64) {
            let pairs = opponents(m, &(0..n).collect::<Vec<_>>(), seed, "x");
            let mut played = vec![0; n];
            pairs.iter().for_each(|(a, b)| { played[*a] += 1; played[*b] += 1; });
            let m = m.min(n - 1);
            prop_assert!(played.iter().all(|p| *p == m || *p == m + 1));
            prop_assert!(n * m % 2 == 1 || m % 2 == 1 || played.iter().all(|p| *p == m));
            let mut unique = pairs.clone();
            unique.sort_unstable();
            unique.dedup();
            prop_assert_eq!(unique.len(), pairs.len());
        }

        /// The schedule in its first version, which searches a list of pairs. The results must be the same.
        #[test]
        fn opponents_are_those_of_the_plain_rule(teams in prop::collection::vec(0_usize..12, 0..40), m in 0_usize..45, seed: u64) {
            let n = teams.len();
            let circle = keyed::shuffle(n, seed, "x", "opponents");
            let (mut played, mut pairs) = (vec![0; n], Vec::new());
            for both in [true, false] {
                for (distance, place) in (1..=n / 2).flat_map(|distance| (0..n).map(move |place| (distance, place))) {
                    let (a, b) = (circle[place], circle[(place + distance) % n]);
                    let wanted = if both { played[a] < m && played[b] < m } else { played[a] < m || played[b] < m };
                    let pair = (a.min(b), a.max(b));
                    if wanted && teams[a] != teams[b] && !pairs.contains(&pair) {
                        pairs.push(pair);
                        played[a] += 1;
                        played[b] += 1;
                    }
                }
            }
            prop_assert_eq!(opponents(m, &teams, seed, "x"), pairs);
        }

        #[test]
        fn counts_are_those_of_the_lists(teams in prop::collection::vec(0_usize..12, 0..40), m in 0_usize..45, seed: u64) {
            prop_assert_eq!(count_round_robin(&teams), round_robin(&teams).len() as u64);
            prop_assert_eq!(count_opponents(m, &teams, seed, "x"), opponents(m, &teams, seed, "x").len() as u64);
        }

        #[test]
        fn team_members_never_meet(teams in prop::collection::vec(0_usize..5, 2..30), m in 1_usize..6, seed: u64) {
            for (a, b) in round_robin(&teams).into_iter().chain(opponents(m, &teams, seed, "x")) {
                prop_assert!(teams[a] != teams[b]);
            }
        }
    }
}
