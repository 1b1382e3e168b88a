# The quick start of the call-centre document, its commands by copy and paste, in its order. A test
# puts the address of a running `deskbell demo` for localhost:8000 and its own receiver for the
# request bin, and runs this with bash. What is not in the document is only there to check what it
# says one should see.
set -euo pipefail

# Reads what wscat prints until a line has $1 in it, and prints that.
see() {
    local until=$((SECONDS + 20))
    while [ $SECONDS -lt $until ] && IFS= read -r -t 20 line <&"${SOCKET[0]}"; do
        case $line in *"$1"*) printf '%s\n' "$line"; return ;; esac
    done
    echo "wscat did not print: $1" >&2
    return 1
}

### 5. Login and Get JWT Token
TOKEN=$(curl -s -X POST http://localhost:8000/api/v1/auth/login \
  -H "Content-Type: application/json" \
  -d '{"email":"admin@example.com","password":"password"}' | jq -r '.data.access_token')

echo $TOKEN
[ "$TOKEN" != null ]

### Connect to WebSocket
# `script` is the terminal in front of which wscat says all that it says to people.
export TOKEN
coproc SOCKET { exec script -qefc '
wscat -c "ws://localhost:8000/ws" -H "Authorization: Bearer $TOKEN"
' /dev/null; }
trap 'kill "$SOCKET_PID"' EXIT
see "Connected (press CTRL+C to quit)"

### 6. Create Webhook
curl -X POST http://localhost:8000/api/v1/webhooks \
  -H "Authorization: Bearer $TOKEN" \
  -H "Content-Type: application/json" \
  -d '{
    "name": "Test Webhook",
    "url": "https://xxxxxx.x.pipedream.net",
    "events": ["agent.state.changed", "call.incoming", "chat.message"],
    "secret": "test-secret-123",
    "retry_count": 3,
    "timeout": 30
  }'

### 7. Test Webhook Delivery
# Get webhook ID from previous response (e.g., 1)
WEBHOOK_ID=1

# Send test webhook
curl -X POST http://localhost:8000/api/v1/webhooks/$WEBHOOK_ID/test \
  -H "Authorization: Bearer $TOKEN"

### 8. Check Webhook Logs
# View delivery logs
curl http://localhost:8000/api/v1/webhooks/$WEBHOOK_ID/logs \
  -H "Authorization: Bearer $TOKEN" | jq

# View stats
curl http://localhost:8000/api/v1/webhooks/$WEBHOOK_ID/stats \
  -H "Authorization: Bearer $TOKEN" | jq

### 9. Test Presence Tracking
USER_ID=$(curl -s http://localhost:8000/api/v1/auth/me -H "Authorization: Bearer $TOKEN" | jq -r .data.id)
curl http://localhost:8000/api/v1/ws/users/$USER_ID/online \
  -H "Authorization: Bearer $TOKEN" | jq

# Should return: {"success": true, "data": {"online": true}}
curl -s http://localhost:8000/api/v1/ws/users/$USER_ID/online \
  -H "Authorization: Bearer $TOKEN" | jq -e '. == {"success": true, "data": {"online": true}}'

### 11. Test Hub Statistics
curl http://localhost:8000/api/v1/ws/stats \
  -H "Authorization: Bearer $TOKEN" | jq
curl -s http://localhost:8000/api/v1/ws/stats \
  -H "Authorization: Bearer $TOKEN" |
  jq -e '.success and .data.total_clients == 1 and .data.total_tenants == 1
    and ([.data.clients_by_tenant[]] == [1])'

### Full Example: Agent State Change Flow
curl -s -X POST http://localhost:8000/api/v1/agent-state/me \
  -H "Authorization: Bearer $TOKEN" -H "Content-Type: application/json" \
  -d '{"state": "available"}' | jq -e .success
see "agent.state.changed" >/dev/null
# The demo's agents change their states too; this one is ours.
curl -s -X POST http://localhost:8000/api/v1/agent-state/me \
  -H "Authorization: Bearer $TOKEN" -H "Content-Type: application/json" \
  -d '{"state": "away", "reason": "the quick start"}' >/dev/null
see "the quick start"
