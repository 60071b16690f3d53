// Writes its arguments as JSON, and stays.
process.stdout.write(`${JSON.stringify(process.argv.slice(2))}\n`);
setInterval(() => {}, 60_000);
