package githubsim

import (
	"encoding/base64"
	"fmt"
	"strings"
	"time"
)

// accountBody is the schema simple-user.
func (s *Server) accountBody(a *account) map[string]any {
	api, web := s.apiURL()+"/users/"+a.login, s.webURL()
	kind := "Organization"
	if a.user {
		kind = "User"
	}
	return map[string]any{
		"login": a.login, "id": a.id, "node_id": nodeID(kind, a.id), "gravatar_id": "", "type": kind, "site_admin": false, "user_view_type": "public",
		"avatar_url": fmt.Sprintf("%s/avatars/u/%d?v=4", web, a.id), "html_url": web + "/" + a.login, "url": api,
		"followers_url": api + "/followers", "following_url": api + "/following{/other_user}", "gists_url": api + "/gists{/gist_id}",
		"starred_url": api + "/starred{/owner}{/repo}", "subscriptions_url": api + "/subscriptions", "organizations_url": api + "/orgs",
		"repos_url": api + "/repos", "events_url": api + "/events{/privacy}", "received_events_url": api + "/received_events",
	}
}

// repositoryLinks are the addresses that every repository has below its own, with the templates GitHub puts there.
var repositoryLinks = map[string]string{
	"forks_url": "forks", "keys_url": "keys{/key_id}", "collaborators_url": "collaborators{/collaborator}", "teams_url": "teams",
	"hooks_url": "hooks", "issue_events_url": "issues/events{/number}", "events_url": "events", "assignees_url": "assignees{/user}",
	"branches_url": "branches{/branch}", "tags_url": "tags", "blobs_url": "git/blobs{/sha}", "git_tags_url": "git/tags{/sha}",
	"git_refs_url": "git/refs{/sha}", "trees_url": "git/trees{/sha}", "statuses_url": "statuses/{sha}", "languages_url": "languages",
	"stargazers_url": "stargazers", "contributors_url": "contributors", "subscribers_url": "subscribers", "subscription_url": "subscription",
	"commits_url": "commits{/sha}", "git_commits_url": "git/commits{/sha}", "comments_url": "comments{/number}",
	"issue_comment_url": "issues/comments{/number}", "contents_url": "contents/{+path}", "compare_url": "compare/{base}...{head}",
	"merges_url": "merges", "archive_url": "{archive_format}{/ref}", "downloads_url": "downloads", "issues_url": "issues{/number}",
	"pulls_url": "pulls{/number}", "milestones_url": "milestones{/number}", "notifications_url": "notifications{?since,all,participating}",
	"labels_url": "labels{/name}", "releases_url": "releases{/id}", "deployments_url": "deployments",
}

// repositoryBody is the schema repository, of a repository in which nothing has happened yet.
func (s *Server) repositoryBody(p *place) map[string]any {
	api, web := s.apiURL()+p.path(), s.webURL()+"/"+string(p.target)
	created := time.Unix(0, 0).UTC().Format(time.RFC3339)
	body := map[string]any{
		"id": p.id, "node_id": nodeID("Repository", p.id), "name": p.target.Repository(), "full_name": string(p.target),
		"owner": s.accountBody(p.account), "private": true, "visibility": "private", "html_url": web, "url": api, "description": nil, "fork": false,
		"created_at": created, "updated_at": created, "pushed_at": created, "git_url": strings.Replace(web, "http", "git", 1) + ".git",
		"ssh_url": "git@github.com:" + string(p.target) + ".git", "clone_url": web + ".git", "svn_url": web, "mirror_url": nil, "homepage": nil,
		"language": nil, "license": nil, "size": 0, "stargazers_count": 0, "watchers_count": 0, "forks_count": 0, "open_issues_count": 0,
		"forks": 0, "open_issues": 0, "watchers": 0, "default_branch": "main", "has_issues": true, "has_projects": true, "has_downloads": true,
		"has_wiki": true, "has_pages": false, "has_discussions": false, "archived": p.archived, "disabled": p.blocked != 0,
		"allow_forking": true, "is_template": false, "web_commit_signoff_required": false, "topics": []string{},
	}
	for name, below := range repositoryLinks {
		body[name] = api + "/" + below
	}
	return body
}

// nodeID is a GraphQL ID, opaque like GitHub's.
func nodeID(kind string, id int64) string {
	return base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "0:%s%d", kind, id))
}
