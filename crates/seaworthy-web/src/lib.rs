//! stub
use axum::Router;
use seaworthy_model::{
    id::ActorId,
    port::{Clock, Definitions, Journal, Outputs, Requests, Views},
};
use std::sync::Arc;
pub struct Web {
    pub journal: Arc<dyn Journal>,
    pub views: Arc<dyn Views>,
    pub watch_views: Option<Arc<dyn Views>>,
    pub outputs: Arc<dyn Outputs>,
    pub definitions: Arc<dyn Definitions>,
    pub requests: Arc<dyn Requests>,
    pub clock: Arc<dyn Clock>,
    pub actor: ActorId,
    pub ready: Arc<dyn Fn() -> Result<(), String> + Send + Sync>,
    pub metrics: Arc<dyn Fn() -> String + Send + Sync>,
    pub base: String,
    pub note: String,
    pub hosts: Vec<String>,
}
pub fn router(_web: Web) -> Router {
    Router::new()
}
