// node bundle.cjs ENTRY OUTPUT: one script for a browser out of a module and the packages that it imports.

const [entry, output] = process.argv.slice(2);

require("esbuild").buildSync({
  entryPoints: [entry],
  outfile: output,
  bundle: true,
  format: "iife",
  nodePaths: [process.env.NODE_PATH],
  logLevel: "error",
});
