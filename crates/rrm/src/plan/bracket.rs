//! A bracket and the teams of its responses -> the number of its matches that need votes, for any winners.

use std::collections::HashMap;

use super::PlannedMatches;
use crate::ranking::schedule::{Bracket, Teams};

/// The matches below a place of the bracket, if a member of a certain team comes out of it.
#[derive(Clone, Copy)]
struct Climb {
    fewest: u64,
    most: u64,
    rounds: u64,
}

/// Returns the matches of a bracket that need votes. Members of one team advance without votes, so the number depends on the winners that meet.
pub(super) fn matches(bracket: &Bracket, teams: &Teams) -> PlannedMatches {
    let climbs = climb(bracket, teams);
    let all = || climbs.values();
    PlannedMatches {
        fewest: all().map(|climb| climb.fewest).min().unwrap_or(0),
        most: all().map(|climb| climb.most).max().unwrap_or(0),
        rounds: all().map(|climb| climb.rounds).max().unwrap_or(0),
    }
}

fn climb(bracket: &Bracket, teams: &Teams) -> HashMap<usize, Climb> {
    match bracket {
        Bracket::Leaf(response) => HashMap::from([(teams[*response], Climb { fewest: 0, most: 0, rounds: 0 })]),
        Bracket::Match { sides, .. } => {
            let [a, b] = [climb(&sides[0], teams), climb(&sides[1], teams)];
            let mut out = winners(&a, &b);
            for (team, other) in winners(&b, &a) {
                out.entry(team).and_modify(|climb| *climb = either(*climb, other)).or_insert(other);
            }
            out
        }
    }
}

/// Returns the matches for each team of `own` to win against one of the `others`.
fn winners(own: &HashMap<usize, Climb>, others: &HashMap<usize, Climb>) -> HashMap<usize, Climb> {
    // The best two of the others are enough, because at most one of them is of the same team.
    let fewest = two_best(others, |climb| climb.fewest, |n| n);
    let most = two_best(others, |climb| climb.most, |n| u64::MAX - n);
    let rounds = two_best(others, |climb| climb.rounds, |n| u64::MAX - n);
    let each = own.iter().filter_map(|(team, won)| {
        let against = |two: &[(usize, u64)]| two.iter().find(|(other, _)| other != team).map(|(_, n)| *n);
        let played = against(&fewest).zip(against(&most)).zip(against(&rounds)).map(|((fewest, most), rounds)| Climb {
            fewest: won.fewest + fewest + 1,
            most: won.most + most + 1,
            rounds: won.rounds.max(rounds) + 1,
        });
        let equal = others.get(team).map(|equal| Climb {
            fewest: won.fewest + equal.fewest,
            most: won.most + equal.most,
            rounds: won.rounds.max(equal.rounds),
        });
        let climb = match (played, equal) {
            (Some(played), Some(equal)) => either(played, equal),
            (one, other) => one.or(other)?,
        };
        Some((*team, climb))
    });
    each.collect()
}

fn either(one: Climb, other: Climb) -> Climb {
    Climb { fewest: one.fewest.min(other.fewest), most: one.most.max(other.most), rounds: one.rounds.max(other.rounds) }
}

/// Returns the two teams with the best number, where a lower cost is better.
fn two_best(climbs: &HashMap<usize, Climb>, number: fn(&Climb) -> u64, cost: fn(u64) -> u64) -> Vec<(usize, u64)> {
    let mut two: Vec<(usize, u64)> = Vec::with_capacity(3);
    for (team, climb) in climbs {
        two.push((*team, number(climb)));
        two.sort_by_key(|(team, n)| (cost(*n), *team));
        two.truncate(2);
    }
    two
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prop_assert_eq, proptest};

    use super::*;
    use crate::ranking::schedule;

    /// Every possible course of a bracket: the winner, and the matches and rounds that needed votes.
    fn all(bracket: &Bracket, teams: &Teams) -> Vec<(usize, u64, u64)> {
        let Bracket::Match { sides, .. } = bracket else {
            let Bracket::Leaf(response) = bracket else { unreachable!() };
            return vec![(teams[*response], 0, 0)];
        };
        let (left, right) = (all(&sides[0], teams), all(&sides[1], teams));
        let mut ways: Vec<_> = left
            .iter()
            .flat_map(|a| right.iter().map(move |b| (a, b)))
            .flat_map(|((a, n, deep), (b, m, other))| {
                let asked = u64::from(a != b);
                [(*a, n + m + asked, deep.max(other) + asked), (*b, n + m + asked, deep.max(other) + asked)]
            })
            .collect();
        ways.sort_unstable();
        ways.dedup();
        ways
    }

    proptest! {
        #[test]
        fn bounds_are_those_of_all_ways_in_which_it_can_go(teams in vec(0_usize..4, 1..10), seed: u64) {
            let bracket = schedule::draw(teams.len(), seed, "x").unwrap();
            let ways = all(&bracket, &teams);
            let planned = matches(&bracket, &teams);
            prop_assert_eq!(planned.fewest, ways.iter().map(|way| way.1).min().unwrap());
            prop_assert_eq!(planned.most, ways.iter().map(|way| way.1).max().unwrap());
            prop_assert_eq!(planned.rounds, ways.iter().map(|way| way.2).max().unwrap());
        }
    }
}
