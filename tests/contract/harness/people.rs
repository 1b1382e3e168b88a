//! People who are signed in, and tenants for them to be in.

use super::{Api, Server};
use serde_json::{Value, json};
use std::{
    ops::Deref,
    sync::atomic::{AtomicU32, Ordering},
};

/// The first administrator of every test server.
pub(crate) const ADMIN_EMAIL: &str = "admin@example.com";

/// Everybody's password.
pub(crate) const PASSWORD: &str = "correct horse battery";

/// Numbers for names that must differ.
static NEXT: AtomicU32 = AtomicU32::new(1);

/// Somebody who is signed in; derefs to a client with their token.
#[derive(Debug, Clone)]
pub(crate) struct Session {
    api: Api,
    /// Their account.
    pub(crate) user: Value,
    /// The refresh token of this sign-in.
    pub(crate) refresh_token: String,
}

impl Deref for Session {
    type Target = Api;
    fn deref(&self) -> &Api {
        &self.api
    }
}

/// A second organisation on the same server.
#[derive(Debug)]
pub(crate) struct Tenant {
    /// Its id.
    pub(crate) id: String,
    /// Its name.
    pub(crate) name: String,
    /// Its administrator.
    pub(crate) admin: Session,
}

impl Session {
    /// Signs in.
    pub(crate) fn login(api: &Api, email: &str, password: &str) -> Self {
        let body = json!({ "email": email, "password": password });
        Self::of(api, &api.post("/api/v1/auth/login", &body).expect(200).data())
    }

    /// Signed in by the `data` of a login, a refresh or the set-up.
    pub(crate) fn of(api: &Api, data: &Value) -> Self {
        let token = data["access_token"].as_str().expect("an access token");
        Self {
            api: api.with_token(token),
            user: data["user"].clone(),
            refresh_token: data["refresh_token"].as_str().expect("a refresh token").to_owned(),
        }
    }

    /// Their id.
    pub(crate) fn id(&self) -> &str {
        self.user["id"].as_str().expect("an id")
    }

    /// The id of their tenant.
    pub(crate) fn tenant_id(&self) -> &str {
        self.user["tenant_id"].as_str().expect("a tenant")
    }

    /// Their e-mail address.
    pub(crate) fn email(&self) -> &str {
        self.user["email"].as_str().expect("an e-mail address")
    }

    /// The newest `seq` of the log.
    pub(crate) fn latest_seq(&self) -> i64 {
        let page = self.get("/api/v1/events?limit=1").expect(200);
        page.meta()["latest_seq"].as_i64().expect("a number")
    }

    /// For the system administrator: all there is to see, to be compared before and after a
    /// request that must change nothing.
    pub(crate) fn world(&self) -> Value {
        let all = [
            "/api/v1/events?limit=500",
            "/api/v1/users?per_page=200",
            "/api/v1/tenants?per_page=200",
            "/api/v1/tokens?per_page=200",
            "/api/v1/auth/sessions?per_page=200",
            "/api/v1/webhooks",
            "/api/v1/agent-state",
        ];
        all.into_iter().map(|path| self.get(path).expect(200).json()).collect()
    }

    /// For administrators: somebody new in their tenant, with a role (`agent`, …), not signed in.
    pub(crate) fn hire(&self, role: &str) -> Value {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let body = json!({
            "email": format!("{role}{number}@example.com"),
            "name": format!("{role} {number}"),
            "role": role,
            "password": PASSWORD,
        });
        self.post("/api/v1/users", &body).expect(201).data()
    }

    /// For administrators: somebody new in their tenant, signed in.
    pub(crate) fn new_user(&self, role: &str) -> Self {
        let user = self.hire(role);
        Self::login(&self.api, user["email"].as_str().expect("an e-mail address"), PASSWORD)
    }

    /// For administrators: a program's token with these scopes.
    pub(crate) fn new_token(&self, scopes: &[&str]) -> Api {
        let body = json!({ "name": "a program", "scopes": scopes });
        let made = self.post("/api/v1/tokens", &body).expect(201).data();
        self.api.with_token(made["token"].as_str().expect("a token"))
    }

    /// For the system administrator: another tenant, with its administrator signed in.
    pub(crate) fn new_tenant(&self, name: &str) -> Tenant {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let email = format!("owner{number}@example.com");
        let body = json!({ "name": name, "admin_email": email, "admin_password": PASSWORD });
        let made = self.post("/api/v1/tenants", &body).expect(201).data();
        let admin = Self::login(&self.api, &email, PASSWORD);
        Tenant { id: made["id"].as_str().expect("an id").to_owned(), name: name.to_owned(), admin }
    }
}

impl Server {
    /// The first administrator, signed in.
    pub(crate) fn admin(&self) -> Session {
        Session::login(&self.api(), ADMIN_EMAIL, PASSWORD)
    }
}
