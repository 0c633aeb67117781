//! The server on loopback, asked as trainers ask: rewards, faults, limits. docs/http.md has a row for each fault.

mod faults;
mod limits;
mod rewards;
mod served;
