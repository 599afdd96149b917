package controllers

// kinds are all that there are.
var kinds = []kind{repositoryWebhooks, organizationWebhooks, appWebhookConfigs}
