// Starts `smashdsl lsp` for `.smash` files and restarts it on request.
"use strict";

const path = require("node:path");
const vscode = require("vscode");
const { LanguageClient } = require("vscode-languageclient/node");

/** @type {LanguageClient | undefined} */
let client;

/** Return the command of the settings; a relative path with a folder in it starts at the workspace. */
function command() {
  const given = vscode.workspace.getConfiguration("smash").get("command", "smashdsl");
  const folder = vscode.workspace.workspaceFolders?.[0]?.uri.fsPath;
  const relative = !path.isAbsolute(given) && /[\\/]/.test(given);
  return relative && folder ? path.join(folder, given) : given;
}

async function start() {
  const server = { command: command(), args: ["lsp"] };
  client = new LanguageClient("smash", "Smash", server, { documentSelector: [{ language: "smash" }] });
  try {
    await client.start();
  } catch (error) {
    const hint = "pip install 'smashdsl[lsp]', and set `smash.command` to where it is";
    vscode.window.showErrorMessage(`Smash: \`${server.command} lsp\` does not start: ${hint}`);
    client.error(String(error));
  }
}

async function stop() {
  const running = client;
  client = undefined;
  // a client that never started has nothing to stop
  if (running?.needsStop()) {
    await running.stop();
  }
}

async function restart() {
  await stop();
  await start();
}

async function activate(context) {
  context.subscriptions.push(
    vscode.commands.registerCommand("smash.restart", restart),
    vscode.workspace.onDidChangeConfiguration((event) => {
      if (event.affectsConfiguration("smash.command")) {
        restart();
      }
    }),
  );
  await start();
}

module.exports = { activate, deactivate: stop };
