//! Who hears what: the one rule that every door, replay, list and webhook asks.

use super::{Audience, Envelope, Room};
use crate::{
    auth::Role,
    id::{TenantId, UserId},
};

/// Someone who may hear events: a session on any door, or whoever asks for the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Listener {
    /// Their tenant; nothing of another one reaches them.
    pub tenant: TenantId,
    /// Who they are.
    pub user: UserId,
    /// What they are in their tenant.
    pub role: Role,
}

impl Listener {
    /// Whether the audience of `event` includes this listener.
    pub fn may_hear(&self, event: &Envelope) -> bool {
        self.tenant == event.tenant
            && match event.audience {
                Audience::Staff => self.role.is_staff(),
                Audience::Participants => self.role.is_staff() || event.named.contains(&self.user),
                // Not visitors: theirs is one chat.
                Audience::Everyone => self.role >= Role::Customer,
                Audience::User(user) => user == self.user,
            }
    }

    /// Whether `event` reaches this listener, who has joined `topics` beside the rooms that the
    /// server joins for everybody (`user:`, `everyone`, and for staff `tenant` and `role:`).
    pub fn is_reached_by(&self, event: &Envelope, topics: &[Box<str>]) -> bool {
        self.may_hear(event)
            && match &event.room {
                Room::Tenant | Room::Everyone => true,
                Room::User(user) => *user == self.user,
                Room::Role(role) => *role == self.role,
                Room::Topic(topic) => topics.contains(topic),
                Room::Nowhere => false,
            }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Frames, Kind};
    use serde_json::value::RawValue;
    use uuid::Uuid;

    fn event(audience: Audience, room: Room, named: &[UserId]) -> Envelope {
        let json = || RawValue::from_string("{}".into()).unwrap();
        Envelope {
            seq: 1,
            id: Uuid::nil(),
            tenant: TenantId(Uuid::nil()),
            kind: Kind::TicketUpdated,
            audience,
            named: named.into(),
            room,
            at_ms: 0,
            data: json(),
            changes: None,
            actor: json(),
            frames: Frames::default(),
        }
    }

    /// For each role of a listener in the tenant: staff hear all but what is for another person,
    /// customers only what names them, is for them, or is for everyone.
    #[test]
    fn the_audience_decides_who_hears() {
        let (me, other) = (UserId(Uuid::from_u128(1)), UserId(Uuid::from_u128(2)));
        let table = [
            (Audience::Staff, &[][..], [false, true, true, true]),
            (Audience::Staff, &[me][..], [false, true, true, true]),
            (Audience::Participants, &[][..], [false, true, true, true]),
            (Audience::Participants, &[me][..], [true, true, true, true]),
            (Audience::Participants, &[other][..], [false, true, true, true]),
            (Audience::Everyone, &[][..], [true, true, true, true]),
            (Audience::User(me), &[][..], [true, true, true, true]),
            (Audience::User(other), &[me][..], [false, false, false, false]),
        ];
        for (audience, named, expected) in table {
            let event = event(audience, Room::Tenant, named);
            for (role, expected) in Role::ALL.into_iter().zip(expected) {
                let at_home = Listener { tenant: event.tenant, user: me, role };
                assert_eq!(at_home.may_hear(&event), expected, "{role} of {audience}");
                let abroad = Listener { tenant: TenantId(Uuid::from_u128(9)), ..at_home };
                assert!(!abroad.may_hear(&event), "{role} of another tenant, {audience}");
            }
        }
    }

    #[test]
    fn a_visitor_hears_what_names_them_or_is_for_them_and_nothing_else() {
        let (me, other) = (UserId(Uuid::from_u128(1)), UserId(Uuid::from_u128(2)));
        let table = [
            (Audience::Participants, &[me][..], true),
            (Audience::User(me), &[][..], true),
            (Audience::Participants, &[other][..], false),
            (Audience::User(other), &[me][..], false),
            (Audience::Everyone, &[me][..], false),
            (Audience::Staff, &[me][..], false),
        ];
        for (audience, named, expected) in table {
            let event = event(audience, Room::Tenant, named);
            let visitor = Listener { tenant: event.tenant, user: me, role: Role::Visitor };
            assert_eq!(visitor.may_hear(&event), expected, "{audience}");
        }
    }

    #[test]
    fn a_room_narrows_and_never_widens() {
        let me = UserId(Uuid::from_u128(1));
        let agent = Listener { tenant: TenantId(Uuid::nil()), user: me, role: Role::Agent };
        let customer = Listener { role: Role::Customer, ..agent };
        let topic: Box<str> = "ticket:7".into();
        let reached = |who: &Listener, room: Room, topics: &[Box<str>]| {
            who.is_reached_by(&event(Audience::Staff, room, &[]), topics)
        };
        assert!(reached(&agent, Room::Tenant, &[]));
        assert!(!reached(&agent, Room::Nowhere, &[]));
        assert!(reached(&agent, Room::Role(Role::Agent), &[]));
        assert!(!reached(&agent, Room::Role(Role::Admin), &[]));
        assert!(!reached(&agent, Room::Topic(topic.clone()), &[]));
        assert!(reached(&agent, Room::Topic(topic.clone()), std::slice::from_ref(&topic)));
        assert!(!reached(&customer, Room::Topic(topic.clone()), &[topic]));
        assert!(!reached(&customer, Room::User(me), &[]));
    }
}
