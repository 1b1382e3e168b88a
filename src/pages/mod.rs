//! What a person's browser and an operator's probes ask for: pages, health, metrics.

pub mod assets;
pub mod health;
