//! Signing in and out against a real database: what must work once, and what must never.

use super::{
    Visit,
    login::{self, Credentials},
    me, refresh,
    sessions::{self, SESSION_TTL_MS, SESSIONS_MAX},
    setup::{self, Admin, Form, LINK_TTL_MS},
};
use crate::{
    auth::{self, Role, password, secret},
    error::Error,
    http::testing::House,
    hub::Close,
    id::{SessionId, TenantId},
    tenants,
    users::{self, Edit, Hand, User},
};
use serde_json::json;

const PASSWORD: &str = "correct horse";

fn visit() -> Visit {
    Visit::new([10, 0, 0, 1].into(), "test/1")
}

fn sent(email: &str, password: &str, tenant: Option<&str>) -> Credentials {
    Credentials::checked(Some(email.into()), Some(password.into()), tenant.map(Into::into))
        .ok()
        .unwrap()
}

/// The error of something that must fail; the good answer holds tokens and is not printed.
fn error<T>(outcome: Result<T, Error>) -> Error {
    outcome.err().expect("it must fail")
}

async fn with_admin() -> (House, User) {
    let house = House::new();
    let hash = password::hash(PASSWORD).unwrap();
    let admin = Admin::checked("root@example.com", None, None, hash).ok().unwrap();
    let admin = setup::first_admin(&house.db, admin).await.unwrap().unwrap();
    (house, admin)
}

async fn add(house: &House, tenant: TenantId, email: &str, role: Role, password: &str) -> User {
    let hash = password::hash(password).unwrap();
    let new = json!({ "email": email, "name": "Somebody", "role": role });
    let new: users::New = serde_json::from_value(new).unwrap();
    let hand = Hand::of_system(tenant);
    house.write(move |w| users::create(w, &hand, &new, Some(&hash))).await
}

async fn tenant(house: &House, name: &'static str) -> TenantId {
    house.write(move |w| tenants::create(w, name)).await.id
}

fn form(token: &str, password: &str) -> Form {
    let form = json!({
        "token": token, "email": "mara@example.com", "name": "Mara", "password": password,
    });
    serde_json::from_value(form).unwrap()
}

/// The link works once, for thirty minutes, with ten characters, and only the newest one does.
#[tokio::test]
async fn the_setup_link_makes_one_administrator_and_is_gone() {
    let house = House::new();
    let old = setup::new_link(&house.db).await.unwrap();
    let link = setup::new_link(&house.db).await.unwrap();
    let complete = |token: &str, password: &str| {
        let form = form(token, password);
        let core = house.clone();
        async move { setup::complete(&core, form, visit()).await }
    };
    assert!(matches!(error(complete(&old, "long enough").await), Error::Unauthorized(_)));
    assert!(matches!(error(complete("", "long enough").await), Error::Unauthorized(_)));
    assert!(matches!(error(complete(&link, "too short").await), Error::Invalid(_)));
    house.clock().advance_ms(LINK_TTL_MS + 1);
    let late = error(complete(&link, "long enough").await);
    assert!(matches!(late, Error::Gone("setup_link_expired", _)), "{late:?}");
    assert!(setup::is_open(&house.db).await.unwrap());

    let link = setup::new_link(&house.db).await.unwrap();
    let made = complete(&link, "long enough").await.ok().unwrap();
    assert!(made.user.is_system_admin && made.user.user.role == Role::Admin);
    assert!(house.caller(&made.access_token).await.is_ok());
    let said = house.said_after(0).await;
    assert_eq!((said.len(), &said[0]["kind"]), (1, &json!("user.created")));
    assert!(matches!(error(complete(&link, "long enough").await), Error::NotFound(_)));
    let again = setup::new_link(&house.db).await;
    assert!(matches!(again, Err(Error::Conflict { code: "already_set_up", .. })));
    let hash = String::from("never stored");
    let second = Admin::checked("second@example.com", None, None, hash).ok().unwrap();
    assert_eq!(setup::first_admin(&house.db, second).await.unwrap(), None);
}

/// Two that use the same link at the same moment: one of them is the administrator.
#[tokio::test]
async fn a_setup_link_used_twice_at_once_makes_one_administrator() {
    let house = House::new();
    let link = setup::new_link(&house.db).await.unwrap();
    let (first, second) = tokio::join!(
        setup::complete(&house, form(&link, "long enough"), visit()),
        setup::complete(&house, form(&link, "long enough"), visit()),
    );
    assert_eq!([first.is_ok(), second.is_ok()].iter().filter(|ok| **ok).count(), 1);
}

/// Unknown, closed, deleted or wrong: one answer for all.
#[tokio::test]
async fn a_login_tells_nobody_why_it_failed() {
    let (house, admin) = with_admin().await;
    let closed = add(&house, admin.tenant_id, "gone@example.com", Role::Agent, PASSWORD).await;
    let edit = Edit { is_active: Some(false), ..Edit::default() };
    let hand = Hand::of_system(admin.tenant_id);
    house.write(move |w| users::change(w, &hand, closed.id, &edit, None)).await;
    let mut answers = Vec::new();
    for (email, password) in [
        ("root@example.com", "wrong horse"),
        ("nobody@example.com", PASSWORD),
        ("gone@example.com", PASSWORD),
    ] {
        answers.push(error(login::login(&house, sent(email, password, None), visit()).await));
    }
    assert!(answers.iter().all(|e| matches!(e, Error::Unauthorized(_))), "{answers:?}");
    assert!(answers.iter().all(|e| e.to_string() == answers[0].to_string()), "{answers:?}");

    let good = login::login(&house, sent(" ROOT@example.com ", PASSWORD, None), visit()).await;
    let good = good.ok().unwrap();
    let caller = house.caller(&good.access_token).await.unwrap();
    assert_eq!((caller.user, caller.tenant), (admin.id, admin.tenant_id));
    assert!(good.user.user.last_login_at.is_some());
    let Err(Error::Invalid(fields)) = Credentials::checked(None, None, None) else {
        panic!("it was accepted")
    };
    assert_eq!(fields.iter().map(|f| f.field.as_str()).collect::<Vec<_>>(), ["email", "password"]);
}

/// Five failures a minute from one address, then even the right password has to wait; from
/// elsewhere the account can still be reached.
#[tokio::test]
async fn who_fails_too_often_has_to_wait() {
    let (house, _) = with_admin().await;
    let at = |password: &str, address: [u8; 4]| {
        let (core, sent) = (house.clone(), sent("root@example.com", password, None));
        async move { login::login(&core, sent, Visit::new(address.into(), "")).await.map(|_| ()) }
    };
    for _ in 0..5 {
        assert!(matches!(at("wrong", [10, 0, 0, 1]).await, Err(Error::Unauthorized(_))));
    }
    assert!(matches!(at(PASSWORD, [10, 0, 0, 1]).await, Err(Error::TooMany(_))));
    at(PASSWORD, [10, 0, 0, 2]).await.unwrap();
    house.clock().advance_ms(auth::throttle::WINDOW_MS + 1);
    at(PASSWORD, [10, 0, 0, 1]).await.unwrap();
}

/// Guesses sent all at once get no more tries than one after the other.
#[tokio::test]
async fn a_right_guess_among_many_at_once_comes_too_late() {
    let (house, _) = with_admin().await;
    let guess = |password: &str| {
        let (core, sent) = (house.clone(), sent("root@example.com", password, None));
        tokio::spawn(async move { login::login(&core, sent, visit()).await.map(|_| ()) })
    };
    let mut guesses: Vec<_> = (0..30).map(|n| guess(&format!("wrong {n}"))).collect();
    guesses.push(guess(PASSWORD));
    let last = guesses.pop().unwrap().await.unwrap();
    assert!(matches!(last, Err(Error::TooMany(_))), "{last:?}");
    for wrong in guesses {
        assert!(wrong.await.unwrap().is_err());
    }
}

/// Which tenants know an address is told only to who knows the password in more than one.
#[tokio::test]
async fn the_tenant_is_asked_for_only_when_the_password_fits_several() {
    let (house, _) = with_admin().await;
    let (one, two) = (tenant(&house, "One").await, tenant(&house, "Two").await);
    for (tenant, email, password) in [
        (one, "both@example.com", "the same one"),
        (two, "both@example.com", "the same one"),
        (one, "each@example.com", "first password"),
        (two, "each@example.com", "second password"),
    ] {
        add(&house, tenant, email, Role::Agent, password).await;
    }
    let at = |email: &str, password: &str, tenant: Option<&str>| {
        let (core, sent) = (house.clone(), sent(email, password, tenant));
        async move {
            login::login(&core, sent, visit()).await.map(|signed_in| signed_in.user.user.tenant_id)
        }
    };
    let both = at("both@example.com", "the same one", None).await;
    assert!(matches!(both, Err(Error::Conflict { code: "tenant_required", .. })), "{both:?}");
    let wrong = at("both@example.com", "another one", None).await;
    assert!(matches!(wrong, Err(Error::Unauthorized(_))), "{wrong:?}");
    assert_eq!(at("both@example.com", "the same one", Some("two")).await.unwrap(), two);
    assert_eq!(at("both@example.com", "the same one", Some(&one.to_string())).await.unwrap(), one);
    assert_eq!(at("each@example.com", "second password", None).await.unwrap(), two);
    let other = at("each@example.com", "second password", Some("One")).await;
    assert!(matches!(other, Err(Error::Unauthorized(_))), "{other:?}");
}

/// A refresh token is good once. The second use ends the sign-in, whoever used it, with its access
/// tokens and its sockets.
#[tokio::test]
async fn a_refresh_token_used_twice_ends_its_sign_in() {
    let (house, admin) = with_admin().await;
    let first = login::login(&house, sent("root@example.com", PASSWORD, None), visit()).await;
    let first = first.ok().unwrap();
    let caller = house.caller(&first.access_token).await.unwrap();
    let socket = house.socket((admin.tenant_id, admin.id), caller.session).await;
    let second = refresh::by_token(&house, &first.refresh_token).await.ok().unwrap();
    assert_ne!(first.refresh_token, second.refresh_token);
    assert_eq!(house.caller(&second.access_token).await.unwrap().session, caller.session);
    assert_eq!(socket.closed(), None);

    let stolen = refresh::by_token(&house, &first.refresh_token).await;
    assert!(matches!(error(stolen), Error::Unauthorized(_)));
    assert!(house.caller(&second.access_token).await.is_err());
    assert_eq!(socket.closed(), Some(Close::Unauthorized));
    assert!(refresh::by_token(&house, &second.refresh_token).await.is_err());
    assert!(refresh::by_token(&house, "dbr_made-up").await.is_err());
}

/// A sign-in that is used goes on; one that is left alone for thirty days is over.
#[tokio::test]
async fn a_sign_in_lives_as_long_as_it_is_refreshed() {
    let (house, _) = with_admin().await;
    let at = login::login(&house, sent("root@example.com", PASSWORD, None), visit()).await;
    let mut token = at.ok().unwrap().refresh_token;
    for _ in 0..3 {
        house.clock().advance_ms(SESSION_TTL_MS - 60_000);
        let next = refresh::by_token(&house, &token).await.ok().unwrap();
        assert!(house.caller(&next.access_token).await.is_ok());
        let caller = house.caller(&next.access_token).await.unwrap();
        assert!(refresh::by_cookie(&house, &caller).await.is_ok());
        token = next.refresh_token;
    }
    house.clock().advance_ms(SESSION_TTL_MS + 1);
    assert!(refresh::by_token(&house, &token).await.is_err());
}

/// Signing out ends the tokens and the sockets of that sign-in, and of no other.
#[tokio::test]
async fn signing_out_ends_one_sign_in() {
    let (house, admin) = with_admin().await;
    let mut open = Vec::new();
    for _ in 0..2 {
        let at = login::login(&house, sent("root@example.com", PASSWORD, None), visit()).await;
        let at = at.ok().unwrap();
        let session = house.caller(&at.access_token).await.unwrap().session;
        open.push((house.socket((admin.tenant_id, admin.id), session).await, at));
    }
    refresh::end(&house, &open[0].1.refresh_token).await.unwrap();
    refresh::end(&house, &open[0].1.refresh_token).await.unwrap();
    assert!(house.caller(&open[0].1.access_token).await.is_err());
    assert_eq!(open[0].0.closed(), Some(Close::Unauthorized));
    assert!(house.caller(&open[1].1.access_token).await.is_ok());
    assert_eq!(open[1].0.closed(), None);
}

/// A new password ends every sign-in but the one it was chosen in.
#[tokio::test]
async fn a_new_password_ends_the_other_sign_ins() {
    let (house, admin) = with_admin().await;
    let sign_in = || login::login(&house, sent("root@example.com", PASSWORD, None), visit());
    let (own, other) = (sign_in().await.ok().unwrap(), sign_in().await.ok().unwrap());
    let caller = house.caller(&own.access_token).await.unwrap();
    let other_session = house.caller(&other.access_token).await.unwrap().session;
    let own_socket = house.socket((admin.tenant_id, admin.id), caller.session).await;
    let other_socket = house.socket((admin.tenant_id, admin.id), other_session).await;
    let change = |current: &str, new: &str| {
        let (core, caller, words) = (house.clone(), caller.clone(), (current.into(), new.into()));
        async move { me::change_password(&core, &caller, words, [10, 0, 0, 1].into()).await }
    };
    assert!(matches!(change("wrong", "another horse").await, Err(Error::Invalid(_))));
    assert!(matches!(change(PASSWORD, "short").await, Err(Error::Invalid(_))));
    change(PASSWORD, "another horse").await.unwrap();
    assert!(house.caller(&own.access_token).await.is_ok());
    assert!(house.caller(&other.access_token).await.is_err());
    assert_eq!((own_socket.closed(), other_socket.closed()), (None, Some(Close::Unauthorized)));
    assert!(refresh::by_token(&house, &own.refresh_token).await.is_ok());
    assert!(sign_in().await.is_err());
}

/// When somebody has a thousand sign-ins, one more ends the oldest; what is over is removed.
#[tokio::test]
async fn sign_ins_do_not_pile_up() {
    let (house, admin) = with_admin().await;
    let (who, core) = ((admin.tenant_id, admin.id), house.clone());
    let oldest: SessionId = house
        .write(move |w| {
            let first = SessionId::new(w.now - 1);
            sessions::sql::insert(w, first, who, &visit())?;
            for _ in 1..SESSIONS_MAX {
                sessions::sql::insert(w, SessionId::new(w.now), who, &visit())?;
            }
            sessions::begin(w, &core, who, &visit(), &secret::digest("a"))?;
            Ok(first)
        })
        .await;
    let sign_ins = house.write(move |w| auth::sql::end_sessions_of(w, admin.id, None)).await;
    assert_eq!(i64::try_from(sign_ins).unwrap(), SESSIONS_MAX);
    assert!(!house.write(move |w| auth::sql::end_session(w, oldest)).await);
}
