// Writes 0, 1, 2, … : a line every 10 ms.
let next = 0;
setInterval(() => process.stdout.write(`${next++}\n`), 10);
