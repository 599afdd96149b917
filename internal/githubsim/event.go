package githubsim

// anywhere marks events that webhooks of repositories and of organizations can subscribe to.
const anywhere placeKind = ""

// eventKinds are the events that GitHub documents, and where a webhook can subscribe to them. GitHub docs: Webhook
// events and payloads.
var eventKinds = func() map[string]placeKind {
	kinds := map[string]placeKind{}
	for where, events := range map[placeKind][]string{
		anywhere: {
			"*", "branch_protection_configuration", "branch_protection_rule", "bypass_request_push_ruleset",
			"bypass_request_secret_scanning", "check_run", "check_suite", "code_scanning_alert", "commit_comment", "create",
			"custom_property_values", "delete", "dependabot_alert", "deploy_key", "deployment", "deployment_review",
			"deployment_status", "discussion", "discussion_comment", "dismissal_request_code_scanning",
			"dismissal_request_dependabot", "dismissal_request_secret_scanning", "fork", "gollum", "issue_comment",
			"issue_dependencies", "issues", "label", "member", "membership", "merge_group", "meta", "milestone", "package",
			"page_build", "ping", "project", "project_card", "project_column", "public", "pull_request",
			"pull_request_review", "pull_request_review_comment", "pull_request_review_thread", "push", "registry_package",
			"release", "repository", "repository_advisory", "repository_import", "repository_ruleset",
			"repository_vulnerability_alert", "secret_scanning_alert", "secret_scanning_alert_location",
			"secret_scanning_scan", "security_and_analysis", "star", "status", "sub_issues", "team", "team_add", "watch",
			"workflow_job", "workflow_run",
		},
		organizationKind: {
			"custom_property", "org_block", "organization", "personal_access_token_request", "projects_v2",
			"projects_v2_item", "projects_v2_status_update",
		},
		appKind: {
			"deployment_protection_rule", "github_app_authorization", "installation", "installation_repositories",
			"installation_target", "marketplace_purchase", "repository_dispatch", "security_advisory", "workflow_dispatch",
		},
	} {
		for _, event := range events {
			kinds[event] = where
		}
	}
	return kinds
}()
