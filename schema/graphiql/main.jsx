import "graphiql/style.css";
import "./main.css";

import { GraphiQL } from "graphiql";
import { getOperationAST, parse } from "graphql";
import { createClient } from "graphql-ws";
import { createRoot } from "react-dom/client";

import grant from "./operations/grant.graphql";
import invite from "./operations/invite.graphql";
import liveChanges from "./operations/live-changes.graphql";
import members from "./operations/members.graphql";
import signIn from "./operations/sign-in.graphql";
import switchOrganization from "./operations/switch.graphql";
import viewer from "./operations/viewer.graphql";

const TABS = [
  tab("1 Sign in", signIn, { input: { email: "demo@orgraph.example", password: "orgraph-demo-2026" } }),
  tab("2 Viewer", viewer),
  tab("3 Members", members),
  tab("4 Invite", invite, { input: { invitations: [{ email: "new.colleague@example.com", role: "member" }] } }),
  tab("5 Grant", grant, { input: { memberId: "mem_…", role: "viewer" } }),
  tab("6 Switch", switchOrganization, { input: { organizationId: "org_…" } }),
  tab("7 Live changes", liveChanges),
];

function tab(title, query, variables) {
  return {
    id: title,
    title,
    query,
    variables: variables ? JSON.stringify(variables, null, 2) : "",
    headers: null,
    operationName: getOperationAST(parse(query)).name.value,
    response: null,
  };
}

// GraphiQL titles a tab with the name of its operation, anew on every edit, and offers no other way to name it.
const TITLES = new Map(TABS.map(({ operationName, title }) => [operationName, title]));

function nameTabs({ tabs = [] }) {
  for (const tab of tabs) tab.title = TITLES.get(tab.title) ?? tab.title;
}

// Per browser tab and gone with it: GraphiQL keeps variables, and passwords are among them.
const storage = window.sessionStorage;

// GraphiQL starts from what it stored. Its `defaultTabs` would lose the titles and the first tab's variables.
function prepareTabs() {
  const stored = storage.getItem("graphiql:tabState");
  const state = stored ? JSON.parse(stored) : { activeTabIndex: 0, tabs: TABS };
  nameTabs(state);
  storage.setItem("graphiql:tabState", JSON.stringify(state));
  if (!stored) {
    storage.setItem("graphiql:query", TABS[0].query);
    storage.setItem("graphiql:variables", TABS[0].variables);
  }
}

globalThis.MonacoEnvironment = {
  getWorker(_id, label) {
    const name = label === "json" || label === "graphql" ? label : "editor";
    return new Worker(`/graphiql/workers/${name}.js`);
  },
};

const endpoint = new URL("/graphql", window.location.href);
const socketEndpoint = new URL(endpoint);
socketEndpoint.protocol = endpoint.protocol.replace("http", "ws");

// The headers pane cannot reach a handshake made by a browser, so its headers travel in connection_init.
let socketHeaders;
const socket = createClient({
  url: socketEndpoint.href,
  connectionParams: () => socketHeaders,
  shouldRetry: ({ code }) => Boolean(code) && code !== 4403,
});

async function post(params, headers) {
  const response = await fetch(endpoint, {
    method: "POST",
    credentials: "same-origin",
    headers: {
      accept: "application/graphql-response+json, application/json;q=0.9",
      "content-type": "application/json",
      ...headers,
    },
    body: JSON.stringify(params),
  });
  return response.json();
}

function subscribe(params, headers) {
  socketHeaders = headers;
  return {
    subscribe: ({ next, complete, error }) => ({
      unsubscribe: socket.subscribe(params, {
        next,
        complete,
        // Either GraphQL errors, or the event that closed the socket for good.
        error: (problem) =>
          error(problem.code ? new Error(`Connection closed: ${problem.code} ${problem.reason}`) : problem),
      }),
    }),
  };
}

function findOperation({ query, operationName }) {
  try {
    return getOperationAST(parse(query), operationName);
  } catch {
    return null; // The server reports the syntax error.
  }
}

const SESSION_MUTATIONS = new Set(["signIn", "signOut", "signUp"]);

async function fetcher(params, { headers } = {}) {
  const operation = findOperation(params);
  if (operation?.operation === "subscription") return subscribe(params, headers);
  const result = await post(params, headers);
  if (operation?.operation === "mutation") {
    // The server reads the cookie at the handshake only: another session needs another socket.
    if (operation.selectionSet.selections.some(({ name }) => SESSION_MUTATIONS.has(name?.value))) socket.terminate();
    showIdentity();
  }
  return result;
}

async function showIdentity() {
  const line = document.getElementById("identity");
  try {
    const { data } = await post({ query: "{ viewer { user { name email } organization { name } } }" });
    const { user, organization } = data?.viewer ?? {};
    const place = organization ? ` in ${organization.name}` : "";
    line.textContent = user ? `Signed in as ${user.name} (${user.email})${place}` : "Not signed in";
  } catch {
    line.textContent = "The server did not answer";
  }
}

prepareTabs();
showIdentity();
createRoot(document.getElementById("root")).render(
  <GraphiQL fetcher={fetcher} storage={storage} onTabChange={nameTabs} />,
);
