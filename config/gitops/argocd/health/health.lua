-- The health of a RepositoryWebhook, an OrganizationWebhook or an AppWebhookConfig, for Argo CD.

-- Failures of Ready that end without a change of the object: a Secret is still to come, or GitHub cannot be asked. All others would
-- progress for ever.
local passing = {
  CredentialsNotFound = true,
  SecretNotFound = true,
  RateLimited = true,
  GitHubUnavailable = true,
  FingerprintKeyMissing = true,
}

local status = obj.status or {}
local conditions = {}
for _, condition in ipairs(status.conditions or {}) do
  conditions[condition.type] = condition
end
local ready, stalled, deliveries = conditions.Ready, conditions.Stalled, conditions.DeliveriesHealthy

if ready == nil or status.observedGeneration ~= obj.metadata.generation then
  return {status = "Progressing", message = "The operator has not looked at this generation yet"}
end

local message = ready.reason .. ": " .. (ready.message or "")
if ready.reason == "Suspended" then
  return {status = "Suspended", message = message}
end
if stalled ~= nil and stalled.status == "True" then
  return {status = "Degraded", message = message}
end
if ready.status == "True" then
  -- A failing receiver is no fault of the webhook: it is told, and does not degrade the application.
  if deliveries ~= nil and deliveries.status == "False" then
    message = message .. ". " .. deliveries.reason .. ": " .. (deliveries.message or "")
  end
  return {status = "Healthy", message = message}
end
if ready.status == "Unknown" or passing[ready.reason] then
  return {status = "Progressing", message = message}
end
return {status = "Degraded", message = message}
