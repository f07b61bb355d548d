// The official TypeScript SDK's client asks a server for everything that it has, and prints the answers as JSON.
//
// node typescript_client.cjs '{"line": 1 | 2, "stdio": ["command", ...] | "http": url | "sse": url, "era": ...,
//                              "calls": {tool: arguments}, "asks": {...}, "filledIn": {...}, "addresses": [...]}'
//
// Line 1 is @modelcontextprotocol/sdk, line 2 is @modelcontextprotocol/client; era is for line 2: "legacy" greets as
// protocols up to 2025 do, "auto" takes the newest that both know.

const plan = JSON.parse(process.argv[2]);

const USER = { action: "accept", content: { user: 98 } };

/** The classes that both lines have, and how each is told to answer questions. */
function library() {
  if (plan.line === 1) {
    const { ElicitRequestSchema } = require("@modelcontextprotocol/sdk/types.js");
    return {
      ...require("@modelcontextprotocol/sdk/client/index.js"),
      ...require("@modelcontextprotocol/sdk/client/stdio.js"),
      ...require("@modelcontextprotocol/sdk/client/sse.js"),
      ...require("@modelcontextprotocol/sdk/client/streamableHttp.js"),
      onQuestion: (client, answer) => client.setRequestHandler(ElicitRequestSchema, answer),
      call: (client, call, options) => client.callTool(call, undefined, options),
    };
  }
  return {
    ...require("@modelcontextprotocol/client"),
    ...require("@modelcontextprotocol/client/stdio"),
    onQuestion: (client, answer) => client.setRequestHandler("elicitation/create", answer),
    call: (client, call, options) => client.callTool(call, options),
  };
}

const { Client, StdioClientTransport, SSEClientTransport, StreamableHTTPClientTransport, onQuestion, call } = library();

function transport() {
  if (plan.stdio) {
    const [command, ...args] = plan.stdio;
    return new StdioClientTransport({ command, args, stderr: "inherit" });
  }
  return plan.sse ? new SSEClientTransport(new URL(plan.sse)) : new StreamableHTTPClientTransport(new URL(plan.http));
}

/** What a request fails with. */
async function failure(request) {
  try {
    await request;
  } catch (error) {
    return String(error.message);
  }
  return null;
}

/** A call whose caller loses patience as soon as it has begun. */
async function givenUp(client) {
  const patience = new AbortController();
  const request = call(client, plan.asks.slow, { signal: patience.signal });
  patience.abort(new Error("patience is lost"));
  return failure(request);
}

async function main() {
  const options = { capabilities: { elicitation: { form: {} } } };
  const negotiation = plan.line === 2 ? { versionNegotiation: { mode: plan.era } } : {};
  const client = new Client({ name: "tests", version: "1" }, { ...options, ...negotiation });
  const questions = [];
  onQuestion(client, (request) => {
    questions.push(request.params.message);
    return USER;
  });
  await client.connect(transport());

  const progress = [];
  const first = await call(client, plan.asks.first, { onprogress: (said) => progress.push(said) });
  const { tools } = await client.listTools(); // from here on, answers are checked against the tools' output schemas
  const results = {};
  for (const [name, args] of Object.entries(plan.calls)) {
    results[name] = await call(client, { name, arguments: args });
  }
  const { prompts } = await client.listPrompts();
  const written = {};
  for (const { name, arguments: taken } of prompts) {
    const given = (taken ?? []).filter((one) => one.required || one.name in plan.filledIn);
    const args = Object.fromEntries(given.map((one) => [one.name, plan.filledIn[one.name]]));
    written[name] = { given: args, messages: (await client.getPrompt({ name, arguments: args })).messages };
  }
  const { resources } = await client.listResources();
  const { resourceTemplates } = await client.listResourceTemplates();
  const read = {};
  for (const uri of [...resources.map((one) => one.uri), ...plan.addresses]) {
    read[uri] = (await client.readResource({ uri })).contents;
  }
  const completed = [];
  for (const ask of plan.asks.completions) {
    completed.push((await client.complete(ask)).completion);
  }
  console.log(
    JSON.stringify({
      server: client.getServerVersion(),
      capabilities: client.getServerCapabilities(),
      instructions: client.getInstructions(),
      ...{ first, progress, tools, results, written, resources, resourceTemplates, read, completed },
      asked: await call(client, plan.asks.withoutUser),
      questions,
      refused: await call(client, plan.asks.wrong),
      absent: await failure(client.readResource({ uri: "itemset://set_nothing" })),
      givenUp: await givenUp(client),
      afterwards: await call(client, plan.asks.first),
    }),
  );
  await client.close();
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
