//! Permissions as extractors: a handler that asks for `May<ManageWebhooks>` cannot forget to check.

use super::{Caller, Core, Via};
use crate::{
    auth::Role,
    error::{Error, Result},
};
use axum::{
    extract::{FromRef, FromRequestParts},
    http::request::Parts,
};
use std::{marker::PhantomData, ops::Deref};

/// Something only some may do.
pub trait Permission: Send {
    /// The lowest role of a person who may.
    const ROLE: Role;
    /// The scope of an API token that may; `None` where no program may.
    const SCOPE: Option<&'static str>;
    /// Whether it takes the system administrator.
    const SYSTEM: bool = false;
}

macro_rules! permissions {
    ($($(#[$doc:meta])* $name:ident $role:ident $scope:expr;)*) => {$(
        $(#[$doc])*
        #[derive(Debug)]
        pub struct $name;
        impl Permission for $name {
            const ROLE: Role = Role::$role;
            const SCOPE: Option<&'static str> = $scope;
        }
    )*};
}

permissions! {
    /// To be signed in as a person, with any role.
    SignIn Customer None;
    /// To be staff.
    Staff Agent None;
    /// To read what the audience allows of the log.
    ReadEvents Visitor Some("events:read");
    /// To read a chat that one may see.
    ReadChats Visitor Some("chats:read");
    /// To write in a chat that one may see, to say how far one has read, and to close it.
    WriteChats Visitor Some("chats:write");
    /// To list the chats that one may see.
    ListChats Customer Some("chats:read");
    /// To begin a chat, and to change what one wrote.
    BeginChats Customer Some("chats:write");
    /// To assign, pass on and reopen chats, and to make tickets of them.
    WorkChats Agent Some("chats:write");
    /// To decide how chats are given out, and whether visitors may begin one.
    ManageChats Admin None;
    /// To read the catalogue of event types.
    ReadEventTypes Agent Some("events:read");
    /// To register a tenant's own types of events.
    ManageEventTypes Admin None;
    /// To publish custom events.
    PublishEvents Agent Some("events:write");
    /// To see who is connected.
    ReadPresence Agent Some("presence:read");
    /// To see connections with their addresses, and to end them.
    ManageConnections Admin None;
    /// To see what became of an event.
    FollowEvents Admin None;
    /// To see agents and their states.
    ReadAgents Agent Some("agents:read");
    /// To choose one's own state.
    BeAgent Agent None;
    /// To choose another agent's state.
    SuperviseAgents Supervisor None;
    /// To read webhooks, their logs and statistics.
    ReadWebhooks Admin Some("webhooks:read");
    /// To make, change, test and delete webhooks.
    ManageWebhooks Admin Some("webhooks:write");
    /// To read what one may of the knowledge base.
    ReadArticles Customer Some("articles:read");
    /// To say whether an article helped.
    VoteArticles Customer None;
    /// To write articles.
    WriteArticles Agent Some("articles:write");
    /// To make and change the categories of the knowledge base.
    ArrangeArticles Supervisor None;
    /// To search what one may read.
    Search Customer Some("tickets:read");
    /// To read users.
    ReadUsers Agent Some("users:read");
    /// To make, change and deactivate users.
    ManageUsers Admin Some("users:write");
    /// To read the tickets that one may see.
    ReadTickets Customer Some("tickets:read");
    /// To open tickets and change those that one may see, as far as the role goes.
    WriteTickets Customer Some("tickets:write");
    /// To assign and merge tickets, and to use macros on them.
    WorkTickets Agent Some("tickets:write");
    /// To delete and restore tickets, and to change many at once.
    SuperviseTickets Supervisor Some("tickets:write");
    /// To take all tickets home as a file.
    ExportTickets Admin Some("tickets:read");
    /// To read service levels and calendars.
    ReadServiceLevels Agent Some("tickets:read");
    /// To change service levels and calendars.
    ManageServiceLevels Supervisor None;
    /// To read macros.
    ReadMacros Agent Some("tickets:read");
    /// To make and change macros.
    ManageMacros Agent None;
    /// To have views of tickets.
    HaveViews Agent None;
    /// To read and download the files of what one may see.
    ReadAttachments Customer Some("attachments:read");
    /// To add, rename and delete files.
    WriteAttachments Customer Some("attachments:write");
    /// To read teams.
    ReadTeams Agent Some("teams:read");
    /// To make, change and dissolve teams.
    ManageTeams Admin Some("teams:write");
    /// To see calls, and what is known of who calls.
    ReadCalls Agent Some("calls:read");
    /// To enter calls and to do something with them.
    WorkCalls Agent Some("calls:write");
    /// To see the wallboard: agents, queues and how the day goes.
    ReadBoard Agent Some("board:read");
    /// To read reports, and take them home as a file.
    ReadReports Supervisor Some("reports:read");
    /// To take all calls home as a file.
    ExportCalls Supervisor Some("calls:read");
    /// To set up telephone systems.
    ManagePbx Admin None;
    /// To make and revoke API tokens and others' sign-ins.
    ManageTokens Admin None;
}

/// To read the server's metrics, for programs.
#[derive(Debug)]
pub struct ReadMetrics;
impl Permission for ReadMetrics {
    const ROLE: Role = Role::Admin;
    const SCOPE: Option<&'static str> = Some("metrics:read");
}

/// To make and change tenants.
#[derive(Debug)]
pub struct ManageTenants;
impl Permission for ManageTenants {
    const ROLE: Role = Role::Admin;
    const SCOPE: Option<&'static str> = None;
    const SYSTEM: bool = true;
}

/// Every scope an API token can have.
pub const SCOPES: &[&str] = &[
    "events:read",
    "events:write",
    "presence:read",
    "agents:read",
    "webhooks:read",
    "webhooks:write",
    "articles:read",
    "articles:write",
    "users:read",
    "users:write",
    "tickets:read",
    "tickets:write",
    "chats:read",
    "chats:write",
    "attachments:read",
    "attachments:write",
    "teams:read",
    "teams:write",
    "calls:read",
    "calls:write",
    "board:read",
    "reports:read",
    "metrics:read",
];

/// A caller who may.
#[derive(Debug)]
pub struct May<P>(Caller, PhantomData<P>);

impl<P: Permission> May<P> {
    /// Judges a caller.
    ///
    /// # Errors
    /// [`Error::Forbidden`], saying what it takes.
    pub fn judge(caller: Caller) -> Result<Self> {
        let may = match &caller.via {
            Via::ApiToken(scopes) => {
                P::SCOPE.is_some_and(|scope| scopes.iter().any(|has| has == scope))
            }
            Via::Bearer | Via::Cookie | Via::Visitor => {
                caller.role >= P::ROLE && (!P::SYSTEM || caller.is_system_admin)
            }
        };
        if may {
            return Ok(Self(caller, PhantomData));
        }
        Err(Error::Forbidden(match (P::SYSTEM, P::ROLE) {
            (true, _) => "only the system administrator may do that",
            (_, Role::Admin) => "only administrators may do that",
            (_, Role::Supervisor) => "only supervisors and administrators may do that",
            (_, Role::Agent) => "only staff may do that",
            (_, Role::Customer | Role::Visitor) => "this token's scopes do not cover that",
        }))
    }
}

impl<P> Deref for May<P> {
    type Target = Caller;
    fn deref(&self) -> &Caller {
        &self.0
    }
}

impl<S: Send + Sync, P: Permission> FromRequestParts<S> for May<P>
where
    Core: FromRef<S>,
{
    type Rejection = Error;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        if P::ROLE != Role::Visitor {
            return Self::judge(Caller::from_request_parts(parts, state).await?);
        }
        let core = Core::from_ref(state);
        let caller = Caller::or_visitor(&core, &parts.headers).await?;
        Self::judge(caller.let_in(parts, &core)?)
    }
}
