-- So many batches and lines, with their history. One SKU has very many batches, one
-- very many backorders and no batch, one batch and one order have very many lines.

CREATE TEMP TABLE made_batch AS
SELECT
    'batch-' || lpad(n::text, 7, '0') AS reference,
    CASE WHEN n <= %(batches)s / 100 THEN 'POPULAR'
        ELSE 'SKU-' || lpad((n %% (%(batches)s / 5))::text, 6, '0') END AS sku,
    CASE WHEN n %% 10 < 4 THEN NULL
        ELSE current_date - 10 + (n * 7919 %% 200)::int END AS eta,
    n
FROM generate_series(1, %(batches)s::bigint) AS n
UNION ALL SELECT 'busy', 'BUSY', NULL, 0;

CREATE TEMP TABLE made_line AS
SELECT
    CASE WHEN sku = 'POPULAR' THEN 'order-p' || l ELSE 'order-' || lpad((l / 5)::text, 7, '0') END
        AS orderid,
    sku,
    1 + l %% 5 AS qty,
    CASE WHEN (l / %(batches)s + l) %% 20 > 0 THEN reference END AS reference,
    CASE WHEN (l / %(batches)s + l) %% 20 > 0 THEN l / %(batches)s + 1 END AS position,
    l
FROM generate_series(1, %(lines)s::bigint) AS l JOIN made_batch ON n = l %% %(batches)s + 1
UNION ALL
SELECT 'order-b' || l, 'BUSY', 1, 'busy', l, %(lines)s + l
FROM generate_series(1, %(lines)s / 50) AS l
UNION ALL
SELECT 'order-w' || l, 'WANTED', 1, NULL, NULL, %(lines)s * 2 + l
FROM generate_series(1, %(lines)s / 50) AS l
UNION ALL
SELECT 'order-long', 'SKU-l' || l, 1, NULL, NULL, %(lines)s * 3 + l
FROM generate_series(1, %(lines)s / 500) AS l
UNION ALL SELECT 'order-long', 'POPULAR', 1, NULL, NULL, %(lines)s * 4;

INSERT INTO allocation_batch
    (reference, sku, eta, purchased_quantity, allocated_quantity, lines_taken)
SELECT
    reference, sku, eta,
    greatest(1, coalesce(taken, 0) + CASE WHEN n %% 3 = 0 THEN 0 ELSE n %% 50 END),
    coalesce(taken, 0),
    coalesce(last, 0)
FROM made_batch LEFT JOIN (
    SELECT reference, sum(qty) AS taken, max(position) AS last FROM made_line GROUP BY reference
) AS lines USING (reference);

INSERT INTO allocation_orderline (orderid, sku, qty, batch_id, position)
SELECT orderid, sku, qty, reference, position FROM made_line ORDER BY l;

INSERT INTO allocation_historyentry (actor, service, event, batch, sku, detail)
SELECT 'somebody', 'add_batches', 'batch added', reference, sku, 'many units, in the warehouse'
FROM made_batch ORDER BY n;

INSERT INTO allocation_historyentry (actor, service, event, batch, orderid, sku, detail)
SELECT
    'somebody', 'allocate_lines',
    CASE WHEN reference IS NULL THEN 'backordered' ELSE 'allocated' END,
    reference, orderid, sku, qty || ' units'
FROM made_line ORDER BY l;
